"""The same workflow on other servers of the KServe v2 protocol: the same physics.

Their environments are made in the user's cache, ``sonicmini/portability``, about 1 GB in all, and
used again afterwards; ``SONICMINI_PORTABILITY`` names another folder that holds them.
"""

import asyncio
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
import pytest

from sonicmini.errors import InferenceError, ModelError, ServerError, UnavailableError
from sonicmini.inference.address import ServerAddress
from sonicmini.inference.embedded.folders import cache_folder, locked
from sonicmini.inference.repository import ModelRepository
from sonicmini.inference.triton import TritonClient
from sonicmini.resources import bundled
from tests.model_folders import one_version
from tests.outputs import WORKFLOW, altered_models, assert_same_physics, run_sample

pytestmark = pytest.mark.portability

SPEC = ModelRepository(bundled("models")).spec("deepmet/1")
PROGRAMS = Path(__file__).parent / "portability"
PACKAGES = {"kserve": "kserve==0.21.0", "mlserver": "mlserver==1.7.1"}
READY_S = 120.0


@dataclass(frozen=True)
class Server:
    """A running server."""

    kind: str
    http_url: str
    grpc_url: str

    def url(self, transport):
        return self.http_url if transport == "http" else self.grpc_url


def environment(kind):
    """Folder of a server's environment; made if it is not whole."""
    given = os.environ.get("SONICMINI_PORTABILITY")
    base = Path(given) if given else cache_folder() / "portability"
    folder = base / kind
    if given and (folder / "bin" / "python").exists():
        return folder
    base.mkdir(parents=True, exist_ok=True)
    with locked(base / f".{kind}.lock"):
        stamp = folder / PACKAGES[kind]
        if not stamp.exists():
            shutil.rmtree(folder, ignore_errors=True)
            subprocess.run([sys.executable, "-m", "venv", folder], check=True)
            pip = [folder / "bin" / "python", "-m", "pip", "install", "--no-input", "--quiet"]
            subprocess.run([*pip, PACKAGES[kind], "onnxruntime"], check=True)
            stamp.touch()
    return folder


def free_ports():
    with socket.socket() as one, socket.socket() as other:
        one.bind(("127.0.0.1", 0))
        other.bind(("127.0.0.1", 0))
        return one.getsockname()[1], other.getsockname()[1]


def is_ready(url):
    with suppress(UnavailableError):
        asked(url, lambda client: client.check_ready())
        return True
    return False


@contextmanager
def serving(kind, folder, models=None):
    """A server with these models or DeepMET, ended in any case with all that it started."""
    models = models or one_version(folder / "models", "deepmet").parent
    http, grpc = free_ports()
    program = PROGRAMS / f"{kind}_server.py"
    log = folder / f"{kind}.log"
    command = [environment(kind) / "bin" / "python", program, models, str(http), str(grpc)]
    with log.open("w") as said:
        leader = subprocess.Popen(
            command, cwd=folder, stdout=said, stderr=said, start_new_session=True
        )
    server = Server(kind, f"http://127.0.0.1:{http}", f"grpc://127.0.0.1:{grpc}")
    try:
        deadline = time.monotonic() + READY_S
        while not is_ready(server.http_url):
            assert leader.poll() is None, log.read_text(errors="replace")[-3000:]
            assert time.monotonic() < deadline, log.read_text(errors="replace")[-3000:]
            time.sleep(0.1)
        yield server
    finally:
        with suppress(ProcessLookupError):
            os.killpg(leader.pid, signal.SIGKILL)
        leader.wait()


@pytest.fixture(scope="module", params=list(PACKAGES))
def server(request, tmp_path_factory):
    with serving(request.param, tmp_path_factory.mktemp(request.param)) as running:
        yield running


@pytest.fixture(params=["http", "grpc"])
def url(request, server):
    return server.url(request.param)


@pytest.fixture
def run(tmp_path):
    """Runs with a model that has one version, which is not asked for: KServe knows no versions."""
    return partial(
        run_sample,
        tmp_path / "out.root",
        "modules.deepMET={type: DeepMET, model: deepmet}",
        workflow=WORKFLOW,
        model_repository=[one_version(tmp_path / "models", "deepmet").parent],
    )


def asked(url, question):
    """The answer of a client to one question."""

    async def ask():
        specs = dict.fromkeys(("deepmet", "deepmet/1", "deepmet/7", "nobody"), SPEC)
        client = TritonClient(ServerAddress.parse(url), specs)
        try:
            return await question(client)
        finally:
            await client.close()

    return asyncio.run(ask())


@pytest.mark.parametrize(
    "setting", ["", "shared_memory=always", "max_rows=1"], ids=lambda setting: setting or "defaults"
)
def test_the_physics_is_that_of_the_local_run(run, url, setting):
    expected, _, _ = run()
    found, report, provenance = run(*[f"inference.{setting}"] if setting else [], servers=[url])
    assert_same_physics(found, expected)
    assert set(report.networks) == {("deepmet", url)}
    network = report.networks["deepmet", url]
    assert (network.rows, network.failures) == (10, 0)
    assert network.server is None
    assert provenance["servers"][0]["models"] == ["deepmet"]


def test_another_network_of_the_same_name_is_an_error(run, server, tmp_path):
    models = altered_models(tmp_path / "altered")
    with serving(server.kind, tmp_path, models) as other:
        for url in (other.http_url, other.grpc_url):
            with pytest.raises(ModelError, match="another network of this name"):
                run(servers=[url])


def test_a_message_above_the_limit_over_grpc_is_one_clear_error(server):
    async def ask_much(client):
        return await client.infer("deepmet", zeros(50))

    with pytest.raises(ServerError, match=r"too large.*lower inference\.max_bytes"):
        asked(server.grpc_url, ask_much)
    assert len(asked(server.http_url, ask_much)["output/BiasAdd"]) == 50


def test_what_the_server_tells_of_itself(url):
    async def ask_all(client):
        for model in ("nobody", "deepmet"):
            with suppress(UnavailableError):
                found = await client.signature(model)
        with pytest.raises(UnavailableError, match="the model is not there"):
            await client.infer("nobody", zeros(1))
        return found, await client.statistics("deepmet"), await client.index()

    (inputs, outputs), statistics, index = asked(url, ask_all)
    assert [tensor.name for tensor in inputs][:2] == ["input", "input_cat0"]
    assert [tensor.name for tensor in outputs] == ["output/BiasAdd"]
    assert statistics is None
    assert not index  # MLServer lists the files of its own repository only


@pytest.mark.parametrize("version", ["1", "7"])
def test_versions_are_answered_or_refused(server, url, version):
    async def ask_version(client):
        return await client.infer(f"deepmet/{version}", zeros(1))

    refusal = {
        ("kserve", "http"): "versioning not supported",
        ("mlserver", "http"): "version 7 not found",
        ("mlserver", "grpc"): "version 7 not found",
    }.get((server.kind, url.partition(":")[0]))
    if refusal is None or (server.kind, version) == ("mlserver", "1"):
        assert "output/BiasAdd" in asked(url, ask_version)  # KServe ignores it over grpc
    else:
        with pytest.raises(InferenceError, match=refusal):
            asked(url, ask_version)


@pytest.mark.parametrize("method", ["gzip", "deflate"])
def test_compressed_requests_are_read_or_refused_in_one_message(run, server, url, method):
    over_http = url.startswith("http")
    if over_http and (server.kind, method) != ("mlserver", "gzip"):
        with pytest.raises(ServerError, match="not valid UTF-8"):
            run(f"inference.compression={method}", "inference.patience_s=0", servers=[url])
    else:
        found, _, _ = run(f"inference.compression={method}", servers=[url])
        expected, _, _ = run()
        assert_same_physics(found, expected)


def zeros(rows):
    return {tensor.name: np.zeros((rows, *tensor.dims), tensor.dtype) for tensor in SPEC.inputs}
