"""Whatever servers and networks do, a run ends with the fault-free output or one clear error."""

import contextlib
import os
import signal
import threading
import time
import urllib.request
from dataclasses import replace
from urllib.parse import urlsplit

import pytest

from sonicmini.config import Overrides, load
from sonicmini.errors import InferenceError, ModelError, ServerError, UnavailableError
from sonicmini.inference.embedded.options import ServerOptions
from sonicmini.inference.embedded.server import start
from sonicmini.inference.proxy.faults import (
    BlackHole,
    Cut,
    Freeze,
    Garbage,
    GoAway,
    NanScores,
    Random,
    Refuse,
    Reset,
    Script,
    ShortTensor,
    Status,
    WrongShape,
)
from sonicmini.inference.proxy.line import Cable
from sonicmini.inference.proxy.threaded import Proxy
from sonicmini.job import run_job
from sonicmini.resources import bundled
from tests.outputs import MODEL, WORKFLOW, altered_models, assert_same_physics, read_events

pytestmark = pytest.mark.triton

SAMPLE = bundled("sample_data") / "ttbar_10.root"
MODELS = bundled("models")
SERVER = ServerOptions(instances=1, models=["deepmet"])
EVENTS = 40
CALM = 4
"""Requests that are left alone: the known tensor, the warm-up, the first chunk."""
# Every request has one event, so that a fault hits the middle of a chunk.
QUICK = (
    "inference.timeout_s=2",
    "inference.patience_s=20",
    "inference.max_rows=1",
    "inference.shared_memory=never",  # or little would pass through the proxy
)


@pytest.fixture(scope="module")
def server():
    with start(MODELS, SERVER) as running:
        yield running


@pytest.fixture
def fresh_server():
    with start(MODELS, SERVER) as running:
        yield running


@pytest.fixture
def proxied(server, request):
    """A proxy in front of the server, and its URL; the transport may be a parameter."""
    scheme = getattr(request, "param", "http")
    target = urlsplit(server.grpc_url if scheme == "grpc" else server.http_url)
    with Proxy(str(target.hostname), target.port) as proxy:
        yield proxy, f"{scheme}://127.0.0.1:{proxy.port}"


both = pytest.mark.parametrize("proxied", ["http", "grpc"], indirect=True)


@pytest.fixture(scope="module")
def expected(tmp_path_factory):
    output = tmp_path_factory.mktemp("expected") / "local.root"
    run_job(load(WORKFLOW, overrides(output)))
    return read_events(output)


def overrides(output, *assignments, **given):
    return Overrides(
        inputs=[SAMPLE] * (EVENTS // 10),
        output=output,
        chunk_size=5,
        assignments=assignments,
        **given,
    )


def in_mid_run(action):
    """A progress display that does something when the first chunk is written."""

    @contextlib.contextmanager
    def progress(events):
        pending = [action]

        def advance(done):
            if pending:
                pending.pop()()

        yield advance

    return progress


def run(tmp_path, servers, *assignments, action=lambda: None, **given):
    """Runs the workflow; whatever the end is, nothing half-written is left."""
    output = tmp_path / "out.root"
    wanted = overrides(output, *QUICK, *assignments, servers=servers, **given)
    try:
        report = run_job(load(WORKFLOW, wanted), in_mid_run(action))
    except InferenceError:
        assert list(tmp_path.glob("*")) == []
        raise
    assert report.events == EVENTS
    return read_events(output), report


def failures(report):
    return sum(network.failures for network in report.networks.values())


TRANSIENT = {
    "reset": Reset(),
    "reset in mid-answer": Reset(after_bytes=40),
    "reset in mid-request": Reset(after_bytes=50_000, of="request"),
    "cut in mid-answer": Cut(after_bytes=40),
    "garbage": Garbage(),
    "503": Status(503),
    "429": Status(429, retry_after_s=1),
    "black hole": BlackHole(),
    "away for a second": Refuse(for_s=1.0),
    "frozen beyond the time limit": Freeze(for_s=4.0),
    "short tensor": ShortTensor(declared=False),
}


@both
@pytest.mark.parametrize("name", TRANSIENT)
def test_transient_faults_leave_no_trace_in_the_output(tmp_path, proxied, expected, name):
    proxy, url = proxied
    proxy.set(Script((*[None] * CALM, TRANSIENT[name], None, TRANSIENT[name])))
    found, report = run(tmp_path, [url])
    assert_same_physics(found, expected)
    assert 1 <= proxy.counters().faults <= 2  # gRPC: the second may meet a breaking connection
    assert failures(report) >= 1
    assert report.servers[0].outages >= 1
    assert report.servers[0].fault == {}


@pytest.mark.parametrize("proxied", ["grpc"], indirect=True)
def test_a_server_that_says_goodbye_is_asked_again(tmp_path, proxied, expected):
    proxy, url = proxied
    proxy.set(Script((*[None] * CALM, GoAway())))
    found, _ = run(tmp_path, [url])
    assert_same_physics(found, expected)
    assert proxy.counters().faults == 1


@both
@pytest.mark.parametrize(
    ("fault", "message"),
    [
        (NanScores(), "answered NaN or infinite values in output/BiasAdd"),
        (WrongShape(), r"output output/BiasAdd float32\[2\] has shape \(1, 1, 2\)"),
    ],
    ids=["nan", "shape"],
)
def test_answers_that_are_wrong_end_the_run_at_once(tmp_path, proxied, fault, message):
    proxy, url = proxied
    proxy.set(Script((*[None] * CALM, fault)))
    with pytest.raises(ServerError, match=message) as raised:
        run(tmp_path, [url], fallback="local")
    assert not isinstance(raised.value, UnavailableError)
    assert url in str(raised.value)
    assert "deepMET on" in raised.value.__notes__[0]
    assert proxy.counters().faults == 1


@both
@pytest.mark.parametrize("fault", [BlackHole(), Refuse(), Status(503), Garbage(), Freeze()])
def test_an_outage_without_an_end_is_one_error_within_the_time_limits(tmp_path, proxied, fault):
    proxy, url = proxied
    limits = ("inference.timeout_s=0.5", "inference.patience_s=1", "inference.tries=3")
    started = time.monotonic()
    with pytest.raises(UnavailableError, match=rf"model {MODEL}: no answer after") as raised:
        run(tmp_path, [url], *limits, action=lambda: proxy.set(fault))
    assert f"- {url}: " in str(raised.value)
    assert time.monotonic() - started < 60


@both
@pytest.mark.parametrize("fault", [BlackHole(), Refuse(), Status(503)])
def test_or_the_fallback_finishes_the_run(tmp_path, proxied, expected, fault):
    proxy, url = proxied
    limits = ("inference.timeout_s=0.5", "inference.patience_s=0.5")
    found, report = run(tmp_path, [url], *limits, fallback="local", action=lambda: proxy.set(fault))
    assert_same_physics(found, expected)
    rows = {backend: network.rows for (_, backend), network in report.networks.items()}
    assert rows["local"] > 0
    assert sum(rows.values()) == EVENTS


def test_one_of_two_servers_is_killed(tmp_path, server, fresh_server, expected):
    def kill():
        os.kill(fresh_server.pid, signal.SIGKILL)

    found, report = run(tmp_path, [server.http_url, fresh_server.http_url], action=kill)
    assert_same_physics(found, expected)
    assert sum(network.rows for network in report.networks.values()) == EVENTS


@pytest.mark.parametrize("transport", ["http_url", "grpc_url"])
def test_the_only_server_is_killed(tmp_path, fresh_server, transport):
    def kill():
        os.kill(fresh_server.pid, signal.SIGKILL)

    url = getattr(fresh_server, transport)
    with pytest.raises(UnavailableError, match="no answer after"):
        run(tmp_path, [url], "inference.patience_s=1", action=kill)


@pytest.mark.parametrize("fallback", ["local", "embedded"])
def test_the_only_server_is_killed_and_a_fallback_is_there(
    tmp_path, fresh_server, expected, fallback
):
    found, report = run(
        tmp_path,
        [fresh_server.http_url],
        "inference.patience_s=0.5",
        fallback=fallback,
        action=lambda: os.kill(fresh_server.pid, signal.SIGKILL),
    )
    assert_same_physics(found, expected)
    assert report.networks[MODEL, fallback].rows > 0
    assert "left alone" not in str(report.servers[0].fault)


@pytest.fixture(scope="module")
def altered(tmp_path_factory):
    return altered_models(tmp_path_factory.mktemp("altered"))


@pytest.fixture
def restart(fresh_server):
    """Ends the server at once, and starts another one on its ports in the background."""
    with contextlib.ExitStack() as stack:
        ports = {
            name: urlsplit(getattr(fresh_server, name.replace("port", "url"))).port
            for name in ("http_port", "grpc_port")
        }

        def start_again(models):
            stack.enter_context(start(models, replace(SERVER, **ports)))

        def end_and_start(models=MODELS):
            fresh_server.stop()
            again = threading.Thread(target=start_again, args=[models])
            again.start()
            threads.append(again)

        threads: list[threading.Thread] = []
        yield end_and_start
        for thread in threads:
            thread.join()


@pytest.mark.parametrize("transport", ["http_url", "grpc_url"])
def test_the_server_is_restarted(tmp_path, fresh_server, restart, expected, transport):
    found, report = run(tmp_path, [getattr(fresh_server, transport)], action=restart)
    assert_same_physics(found, expected)
    assert report.servers[0].fault == {}


def test_a_server_that_returns_with_another_network_is_not_used(
    tmp_path, fresh_server, restart, altered
):
    with pytest.raises(InferenceError, match="another network of this name"):
        run(tmp_path, [fresh_server.http_url], action=lambda: restart(altered))


def once_noticed(caplog, action):
    """Does something when the client has found its server to be away."""

    def wait():
        deadline = time.monotonic() + 15
        while "is left alone" not in caplog.text and time.monotonic() < deadline:
            time.sleep(0.05)
        action()

    threading.Thread(target=wait).start()


@pytest.mark.parametrize("transport", ["http_url", "grpc_url"])
def test_the_server_is_frozen_and_resumed(tmp_path, fresh_server, expected, transport, caplog):
    def freeze():
        os.kill(fresh_server.pid, signal.SIGSTOP)
        once_noticed(caplog, lambda: os.kill(fresh_server.pid, signal.SIGCONT))

    found, report = run(tmp_path, [getattr(fresh_server, transport)], action=freeze)
    assert_same_physics(found, expected)
    assert report.servers[0].outages >= 1


def control(server, what):
    url = f"{server.http_url}/v2/repository/models/deepmet/{what}"
    with urllib.request.urlopen(urllib.request.Request(url, method="POST"), timeout=30):  # noqa: S310 - http to this machine
        pass


@pytest.mark.parametrize("transport", ["http_url", "grpc_url"])
def test_the_model_is_unloaded_and_loaded_again(tmp_path, expected, transport, caplog):
    with start(MODELS, replace(SERVER, model_control="explicit")) as running:

        def unload():
            control(running, "unload")
            once_noticed(caplog, lambda: control(running, "load"))

        found, report = run(tmp_path, [getattr(running, transport)], action=unload)
        assert_same_physics(found, expected)
        assert report.servers[0].outages >= 1
        with pytest.raises(UnavailableError, match="no answer after"):
            run(
                tmp_path / "again",
                [getattr(running, transport)],
                "inference.patience_s=1",
                action=lambda: control(running, "unload"),
            )


def test_a_slow_starter_is_waited_for(tmp_path, proxied, expected):
    proxy, url = proxied
    proxy.set(Refuse())
    threading.Timer(3.0, proxy.set, (None,)).start()
    found, _ = run(tmp_path, [url])
    assert_same_physics(found, expected)


@both
def test_a_narrow_line_only_takes_longer(tmp_path, proxied, expected):
    proxy, url = proxied
    proxy.set_cable(Cable(bytes_per_s=4e6, delay_s=0.02))
    found, report = run(tmp_path, [url], "inference.timeout_s=30")
    assert_same_physics(found, expected)
    assert failures(report) == 0


@both
def test_random_faults_of_all_kinds_leave_no_trace(tmp_path, proxied, expected):
    proxy, url = proxied
    kinds = (*TRANSIENT.values(), GoAway())
    proxy.set(Random(kinds, probability=0.15, seed=5))
    found, report = run(tmp_path, [url], "inference.timeout_s=1", "inference.tries=20")
    assert_same_physics(found, expected)
    assert proxy.counters().faults > 3
    assert failures(report) > 0


def test_a_server_with_another_network_is_refused_before_the_first_event(tmp_path, altered):
    with (
        start(altered, SERVER) as other,
        pytest.raises(ModelError, match="another network of this name"),
    ):
        run(tmp_path, [other.http_url], fallback="local")
