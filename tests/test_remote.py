"""The same workflow on a real Triton: the same physics, whoever evaluates the networks."""

import json
import signal
import subprocess
import sys
import time
from functools import partial
from pathlib import Path

import awkward as ak
import numpy as np
import psutil
import pytest

from sonicmini.errors import ModelError, UnavailableError
from sonicmini.inference.embedded.options import ServerOptions
from sonicmini.inference.embedded.server import start
from sonicmini.resources import bundled
from tests.outputs import MODEL, WORKFLOW, altered_models, assert_same_physics, run_sample

pytestmark = pytest.mark.triton

SAMPLE = bundled("sample_data") / "ttbar_10.root"
MODELS = bundled("models")
SCORE = "DeepMETResolutionTune_pt"
NOBODY = "http://127.0.0.1:9"  # the discard port: nobody listens


@pytest.fixture(scope="module")
def server():
    with start(MODELS, ServerOptions(models=["deepmet"])) as running:
        yield running


@pytest.fixture
def run(tmp_path):
    return partial(run_sample, tmp_path / "out.root", workflow=WORKFLOW)


@pytest.mark.parametrize("transport", ["http", "grpc"])
@pytest.mark.parametrize(
    "setting",
    ["", "shared_memory=never", "compression=gzip", "max_rows=1"],
    ids=lambda setting: setting or "defaults",
)
def test_the_physics_is_that_of_the_local_run(run, server, transport, setting):
    url = server.http_url if transport == "http" else server.grpc_url
    expected, _, _ = run()
    settings = [f"inference.{setting}"] if setting else []
    found, report, provenance = run(*settings, servers=[url])
    assert_same_physics(found, expected)
    assert set(report.networks) == {(MODEL, url)}
    network = report.networks[MODEL, url]
    assert (network.rows, network.failures) == (10, 0)
    assert network.server is not None
    assert network.server.inferences == 10
    assert network.server.compute_s > 0
    assert 0 < report.hidden_s <= report.awaited_s
    assert [one["backend"] for one in provenance["backends"]] == [url]
    assert provenance["servers"][0]["models"] == [MODEL]


def test_without_a_url_a_server_is_started_and_stopped(run):
    before = {child.pid for child in psutil.Process().children(recursive=True)}
    expected, _, _ = run()
    found, report, _ = run(inference="remote")
    assert_same_physics(found, expected)
    assert set(report.networks) == {(MODEL, "embedded")}
    assert {child.pid for child in psutil.Process().children(recursive=True)} <= before


def test_each_module_has_its_choice(run, server):
    _, report, _ = run("inference.modules={deepMET: local}", servers=[server.http_url])
    assert set(report.networks) == {(MODEL, "local")}
    settings = ["inference.modules={deepMET: remote}", f"inference.servers=[{server.http_url}]"]
    _, report, _ = run(*settings)
    assert set(report.networks) == {(MODEL, server.http_url)}


def test_load_goes_to_several_servers(run, server):
    expected, _, _ = run()
    urls = [server.http_url, server.grpc_url]
    found, report, _ = run("inference.max_rows=1", servers=urls)
    assert_same_physics(found, expected)
    rows = [network.rows for network in report.networks.values()]
    assert len(rows) == 2
    assert sum(rows) == 10
    _, report, _ = run("inference.max_rows=1", f"inference.preferred={urls[1]}", servers=urls)
    assert [name for _, name in report.networks] == [urls[1]]


def test_a_model_that_nobody_serves_is_told_at_the_start(run):
    with pytest.raises(UnavailableError, match=rf"(?s)--fallback local.*- {MODEL}: .*{NOBODY}"):
        run("inference.patience_s=0", servers=[NOBODY])


@pytest.mark.parametrize("fallback", ["local", "embedded"])
def test_or_the_fallback_answers(run, fallback):
    expected, _, _ = run()
    found, report, provenance = run("inference.patience_s=0", servers=[NOBODY], fallback=fallback)
    assert_same_physics(found, expected)
    assert [(name, network.rows) for (_, name), network in report.networks.items()] == [
        (fallback, 10)
    ]
    assert [one["backend"] for one in provenance["backends"]] == [fallback]


def test_another_network_of_the_same_name_is_an_error_or_recorded(run, tmp_path):
    with start(altered_models(tmp_path / "altered")) as other:
        with pytest.raises(ModelError, match="another network of this name"):
            run(servers=[other.http_url])
        found, report, provenance = run(servers=[other.http_url], allow_different_models=True)
    assert report.servers[0].differing == [MODEL]
    assert provenance["servers"][0]["differing"] == [MODEL]
    expected, _, _ = run()
    assert not np.allclose(ak.to_numpy(found[SCORE]), ak.to_numpy(expected[SCORE]), rtol=1e-3)


def test_secrets_stay_out_of_report_and_provenance(run, server, monkeypatch):
    monkeypatch.setenv("TRITON_TOKEN", "open-sesame")
    _, report, provenance = run(
        "inference.access={bearer_token: 'env:TRITON_TOKEN'}", servers=[server.http_url]
    )
    assert "env:TRITON_TOKEN" in json.dumps(provenance)
    assert "open-sesame" not in json.dumps([provenance, report.to_dict()])


@pytest.mark.parametrize(
    ("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGKILL, -9)]
)
def test_signals_during_remote_calls_leave_nothing(number, code, tmp_path, reap):
    output = tmp_path / "out.root"
    command = [sys.executable, "-m", "sonicmini", "run", WORKFLOW, *[SAMPLE] * 100]
    command += ["-o", output, "--inference", "remote", "--set", "inference.max_rows=1"]
    leader = subprocess.Popen(
        list(map(str, command)), stderr=subprocess.PIPE, text=True, start_new_session=True
    )
    reap(leader)
    watched = psutil.Process(leader.pid)
    wait_for(lambda: any("tritonserver" in one.name() for one in watched.children(recursive=True)))
    wait_for(lambda: list(tmp_path.glob(".*.partial")))
    started = watched.children(recursive=True)
    wait_for(lambda: Path(output.parent, next(tmp_path.glob(".*.partial"))).stat().st_size > 2e5)
    leader.send_signal(number)
    leader.wait(60)
    assert leader.returncode == code
    assert not output.exists()
    wait_for(lambda: not any(alive(one) for one in started))
    if number != signal.SIGKILL:
        assert list(tmp_path.iterdir()) == []


def alive(process):
    try:
        return process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def wait_for(condition, limit_s=60.0):
    deadline = time.monotonic() + limit_s
    while not condition():
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.05)
