"""Delay is that of a long line, not of a slow one; a limit is kept."""

import socket
import threading
import time

import pytest

from sonicmini.inference.proxy.line import Cable
from sonicmini.inference.proxy.threaded import Proxy


def exchange(port, data):
    """Sends all while receiving all; seconds until the first byte and the last one are back."""
    with socket.create_connection(("127.0.0.1", port), timeout=30) as connection:
        started = time.monotonic()
        sender = threading.Thread(target=connection.sendall, args=(data,))
        sender.start()
        parts, count, first_s = [], 0, None
        while count < len(data) and (part := connection.recv(2**20)):
            first_s = first_s or time.monotonic() - started
            parts.append(part)
            count += len(part)
        sender.join()
    assert b"".join(parts) == data
    return first_s, time.monotonic() - started


def test_round_trips_take_longer_and_bytes_stay_in_order(echo):
    data = bytes(range(256)) * 1000
    with Proxy("127.0.0.1", echo, cable=Cable(delay_s=0.2)) as proxy:
        first_s, _ = exchange(proxy.port, data)
        assert first_s >= 0.199
        proxy.set_cable(Cable())
        assert exchange(proxy.port, data)[0] < 0.199


def test_delay_does_not_limit_the_rate(echo):
    """32 MB at half a second: a window of 1 MB, say, would take 16 s."""
    with Proxy("127.0.0.1", echo, cable=Cable(delay_s=0.5)) as proxy:
        first_s, last_s = exchange(proxy.port, bytes(32 * 2**20))
    assert first_s >= 0.499
    assert last_s < 8


def test_messages_under_way_do_not_wait_for_each_other(echo):
    """100 small messages one after the other would take 20 s."""
    with (
        Proxy("127.0.0.1", echo, cable=Cable(delay_s=0.2)) as proxy,
        socket.create_connection(("127.0.0.1", proxy.port), timeout=30) as connection,
    ):
        started = time.monotonic()
        for _ in range(100):
            connection.sendall(b"message")
            time.sleep(0.001)
        count = 0
        while count < 700:
            count += len(connection.recv(1000))
        assert time.monotonic() - started < 5


@pytest.mark.parametrize("connections", [1, 3])
def test_rate_is_that_of_all_connections(echo, connections):
    size, rate = 100_000, 500_000
    with Proxy("127.0.0.1", echo, cable=Cable(bytes_per_s=rate)) as proxy:
        started = time.monotonic()
        threads = [
            threading.Thread(target=exchange, args=(proxy.port, bytes(size)))
            for _ in range(connections)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert time.monotonic() - started >= connections * size / rate
