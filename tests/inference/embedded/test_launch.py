import socket

import pytest

from sonicmini.errors import ServerError
from sonicmini.inference.embedded.launch import LOOPBACK, pick_ports
from sonicmini.inference.embedded.options import ServerOptions


def test_free_ports_are_different_and_given_ones_kept():
    ports = pick_ports(ServerOptions())
    assert len({ports.http, ports.grpc, ports.metrics}) == 3
    again = pick_ports(ServerOptions(http_port=ports.http))
    assert again.http == ports.http


def test_port_in_use_is_named():
    with socket.socket() as taken:
        taken.bind((LOOPBACK, 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(ServerError, match=f"port {port} of 127.0.0.1 cannot be had"):
            pick_ports(ServerOptions(grpc_port=port))
