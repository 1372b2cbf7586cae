"""Every fault, as a client meets it, on a connection that worked before; all is well after it."""

import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from http.client import BadStatusLine, IncompleteRead, RemoteDisconnected

import numpy as np
import pytest

from sonicmini.inference.proxy.faults import (
    BlackHole,
    Cut,
    Freeze,
    Garbage,
    NanScores,
    Random,
    Refuse,
    Reset,
    Script,
    ShortTensor,
    Status,
    WrongShape,
)
from sonicmini.inference.proxy.threaded import Proxy
from tests.inference.proxy.conftest import SCORES, Http, scores

BREAKS = [
    (Refuse(), ConnectionError),  # the open connection is lost; the next one is refused
    (Refuse(for_s=0.05), ConnectionError),
    (Reset(), ConnectionResetError),
    (Reset(30), ConnectionResetError),
    (Reset(150), ConnectionResetError),
    (Reset(10**9), ConnectionResetError),
    (Reset(of="request"), ConnectionError),
    (Reset(500, of="request"), ConnectionError),
    (Cut(), RemoteDisconnected),
    (Cut(150), IncompleteRead),
    (Cut(10**9), IncompleteRead),
    (BlackHole(), TimeoutError),
    (Freeze(), TimeoutError),
    (Freeze(for_s=60), TimeoutError),
    (Garbage(), BadStatusLine),
]


def wait_until(condition):
    deadline = time.monotonic() + 10
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.001)


@pytest.mark.parametrize(("fault", "error"), BREAKS, ids=str)
def test_connections_break_and_heal(proxy, http, fault, error):
    np.testing.assert_array_equal(scores(http.infer()), SCORES)
    proxy.set(fault)
    if error is TimeoutError:
        http.hurry(0.2)
    with pytest.raises(error):
        http.infer()
    assert proxy.counters().injected == {fault.name: 1}
    http.close()
    http.hurry(10)
    proxy.set(None)
    np.testing.assert_array_equal(scores(http.infer()), SCORES)
    assert proxy.counters().faults == 1


@pytest.mark.parametrize("fault", [Reset(), Cut(5), BlackHole(), Garbage(), Status(), NanScores()])
def test_only_inference_is_hit_unless_all_is_wanted(proxy, http, fault):
    proxy.set(fault)
    assert http.ready()[2] == b"ready"
    assert proxy.counters().requests == 1
    assert proxy.counters().infer_requests == 0
    assert proxy.counters().faults == 0
    proxy.set(fault, only_infer=False)
    http.hurry(0.2)
    with suppress(OSError, BadStatusLine, IncompleteRead):
        http.ready()
    # There are no scores in this answer.
    assert proxy.counters().faults == (0 if fault == NanScores() else 1)


def test_refused_means_refused(proxy, http):
    port = proxy.port
    proxy.set(Refuse())
    for _ in range(3):
        with pytest.raises(ConnectionRefusedError):
            http.ready()
    proxy.set(None)
    assert proxy.port == port
    assert http.ready()[0] == 200


def test_refusing_for_a_while_ends_by_itself(proxy, http):
    proxy.set(Script((Refuse(for_s=0.05),)))
    with pytest.raises(ConnectionError):
        http.infer()

    def answers():
        http.close()
        with suppress(ConnectionError):
            return http.infer()[0] == 200
        return False

    wait_until(answers)


def test_frozen_bytes_arrive_when_it_thaws(proxy, http):
    proxy.set(Freeze())
    with ThreadPoolExecutor(1) as pool:
        answer = pool.submit(http.infer)
        wait_until(lambda: proxy.counters().requests == 1)
        assert not answer.done()
        proxy.set(None)
        np.testing.assert_array_equal(scores(answer.result()), SCORES)


def test_a_script_hits_one_request_after_the_other(proxy, http):
    proxy.set(Script((Status(429, retry_after_s=3), None, Status(503))))
    answers = [http.infer() for _ in range(4)]
    assert [status for status, _, _ in answers] == [429, 200, 503, 200]
    assert answers[0][1]["retry-after"] == "3"
    assert "retry-after" not in answers[2][1]
    assert proxy.counters().injected == {"Status": 2}
    assert proxy.counters().connections == 1


def test_random_faults_are_counted(proxy, http):
    proxy.set(Random((Status(503), NanScores()), probability=0.5, seed=1))
    answers = [http.infer() for _ in range(100)]
    refused = sum(status == 503 for status, _, _ in answers)
    nans = sum(bool(np.isnan(scores(answer)).any()) for answer in answers if answer[0] == 200)
    assert proxy.counters().injected == {"Status": refused, "NanScores": nans}
    assert min(refused, nans) > 0


def test_scores_become_nan_and_integers_stay(proxy, http):
    proxy.set(NanScores())
    answer = http.infer()
    assert scores(answer).shape == SCORES.shape
    assert np.isnan(scores(answer)).all()
    start = int(answer[1]["inference-header-content-length"])
    np.testing.assert_array_equal(np.frombuffer(answer[2][start:][:40], np.int64), np.arange(5))


def test_shape_changes_and_bytes_stay(proxy, http):
    proxy.set(WrongShape())
    np.testing.assert_array_equal(scores(http.infer()), SCORES[None])
    proxy.set(WrongShape((2, 5)))
    np.testing.assert_array_equal(scores(http.infer()), SCORES.reshape(2, 5))


@pytest.mark.parametrize("declared", [True, False])
def test_tensor_is_short_in_a_sound_answer(proxy, http, declared):
    proxy.set(ShortTensor(8, declared=declared))
    with pytest.raises(ValueError, match="cannot reshape array of size 8"):
        scores(http.infer())
    proxy.set(None)
    np.testing.assert_array_equal(scores(http.infer()), SCORES)
    assert proxy.counters().connections == 1


def test_target_may_change(proxy, http, echo):
    assert http.ready()[0] == 200
    proxy.aim("127.0.0.1", echo)
    assert http.ready()[0] == 200  # on the connection that was open
    proxy.drop()
    with suppress(ConnectionError):
        http.ready()
    http.close()
    with pytest.raises(BadStatusLine, match="GET"):
        http.ready()


def test_server_that_is_gone_resets(echo):
    with Proxy("127.0.0.1", 1) as proxy, pytest.raises(ConnectionError):
        Http(proxy.port).ready()


def test_many_clients_at_a_time(proxy):
    def work(_):
        http = Http(proxy.port)
        try:
            return all(np.array_equal(scores(http.infer(bytes(300_000))), SCORES) for _ in range(5))
        finally:
            http.close()

    with ThreadPoolExecutor(8) as pool:
        assert all(pool.map(work, range(16)))
    counters = proxy.counters()
    assert (counters.connections, counters.requests, counters.infer_requests) == (16, 80, 80)


def test_leaves_nothing_behind(kserve):
    before = threading.active_count()
    with Proxy("127.0.0.1", kserve) as proxy:
        http = Http(proxy.port)
        proxy.set(BlackHole())
        http.hurry(0.1)
        with pytest.raises(TimeoutError):
            http.infer()
        port = proxy.port
    assert threading.active_count() <= before + 1  # the server's thread of this connection
    with pytest.raises(ConnectionRefusedError):
        Http(port).ready()
    http.close()


def test_taken_port_is_an_error(proxy, kserve):
    with pytest.raises(OSError, match="in use"), Proxy("127.0.0.1", kserve, listen=proxy.port):
        pass
