import pytest

from sonicmini.errors import ConfigError
from sonicmini.inference.embedded.options import ServerOptions


def test_every_fault_is_listed():
    with pytest.raises(ConfigError) as caught:
        ServerOptions(
            instances=-1, threads=0, start_limit_s=0, name="a/b", http_port=0, grpc_port=70000
        )
    for fault in ("instances is -1", "threads is 0", "start_limit_s is 0", "name is 'a/b'"):
        assert fault in str(caught.value)
    assert "port 0 does not exist; port 70000 does not exist" in str(caught.value)


def test_equal_ports_are_refused():
    with pytest.raises(ConfigError, match="ports 8000, 8000 are not all different"):
        ServerOptions(http_port=8000, metrics_port=8000)


def test_defaults_are_good():
    assert ServerOptions().has_free_ports
    assert not ServerOptions(http_port=1, grpc_port=2, metrics_port=3).has_free_ports
