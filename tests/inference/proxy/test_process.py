"""The proxy in a process of its own takes the same commands, and ends with who started it."""

import json
import os
import subprocess
import sys
import time
from contextlib import suppress

import numpy as np
import pytest

from sonicmini.inference.proxy.faults import (
    KINDS,
    Fault,
    Freeze,
    Random,
    Reset,
    Script,
    Status,
    WrongShape,
)
from sonicmini.inference.proxy.line import Cable
from sonicmini.inference.proxy.process import ProxyProcess, _decoded, _encoded
from tests.inference.proxy.conftest import SCORES, Http, scores


def test_every_plan_survives_the_way():
    plans = [
        None,
        *(kind() for kind in KINDS.values() if issubclass(kind, Fault)),
        Script((Status(429, 2), None, WrongShape((3, 4)))),
        Random((Reset(3, of="request"), Freeze(0.5)), probability=0.25, seed=3),
    ]
    for plan in plans:
        assert _decoded(json.loads(json.dumps(_encoded(plan)))) == plan


def test_another_process_obeys(kserve, echo):
    with ProxyProcess("127.0.0.1", kserve, cable=Cable(delay_s=0.05)) as proxy:
        http = Http(proxy.port)
        started = time.monotonic()
        np.testing.assert_array_equal(scores(http.infer()), SCORES)
        assert time.monotonic() - started >= 0.049
        proxy.set_cable(Cable(bytes_per_s=10**8))
        proxy.set(Script((Status(503), None)))
        assert [http.infer()[0] for _ in range(3)] == [503, 200, 200]
        counters = proxy.counters()
        assert counters.injected == {"Status": 1}
        assert (counters.connections, counters.requests) == (1, 4)
        with pytest.raises(ValueError, match="never ends"):
            proxy.set(Script((Freeze(),)))
        proxy.aim("127.0.0.1", echo)
        proxy.drop()
        with pytest.raises(ConnectionError):
            http.ready()
        http.close()
    with pytest.raises(ProcessLookupError):
        os.kill(proxy.pid, 0)


def test_it_does_not_start_where_it_cannot(kserve, capfd):
    proxy = ProxyProcess("127.0.0.1", kserve, listen=kserve)
    with pytest.raises(RuntimeError, match="has ended"):
        proxy.__enter__()
    assert "in use" in capfd.readouterr().err


def test_it_ends_when_its_starter_is_killed(kserve, reap):
    code = (
        "from sonicmini.inference.proxy.process import ProxyProcess\n"
        f"with ProxyProcess('127.0.0.1', {kserve}) as proxy: print(proxy.port, flush=True); input()"
    )
    starter = subprocess.Popen(
        [sys.executable, "-c", code],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    reap(starter)
    assert starter.stdout is not None
    port = int(starter.stdout.readline())
    http = Http(port)
    assert http.ready()[0] == 200
    http.close()
    starter.kill()

    deadline = time.monotonic() + 20
    with suppress(ConnectionError):
        while time.monotonic() < deadline:
            http = Http(port)
            http.ready()
            http.close()
        pytest.fail("the proxy is still there")


def test_unknown_command_is_told(kserve):
    with ProxyProcess("127.0.0.1", kserve) as proxy:
        with pytest.raises(ValueError, match="no method dance"):
            proxy._call("dance")
        with pytest.raises(ValueError, match="KeyError"):
            proxy._call("set", plan={"kind": "Flood"})
        assert proxy.counters().faults == 0
