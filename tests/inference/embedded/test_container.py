import itertools
import os
import shutil
import sys
import urllib.request
from pathlib import Path

import pytest

from sonicmini.errors import ServerError
from sonicmini.inference.embedded import container as containers
from sonicmini.inference.embedded import launch
from sonicmini.inference.embedded.container import ContainerOptions, dry_run, start_container
from sonicmini.inference.embedded.install import server_program
from sonicmini.inference.embedded.options import ServerOptions
from sonicmini.inference.embedded.selftest import SELF_TEST_MODEL

OPTIONS = ServerOptions(name="mine", instances=2, threads=3)


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return tmp_path / "cache"


def values(command, flag):
    return [after for word, after in itertools.pairwise(command) if word == flag]


def status(url):
    with urllib.request.urlopen(url) as answer:  # noqa: S310 - http
        return answer.status


def ports(command):
    return [int(word.split(":")[1]) for word in values(command, "--publish")]


@pytest.mark.parametrize("program", ["docker", "podman"])
def test_command_of_docker_and_podman(repository, cache, program):
    command = dry_run(ContainerOptions(program=program, gpu=False), repository, OPTIONS)
    (staged,) = (cache / "sonicmini" / "staged").iterdir()
    mounts = [f"{folder}:{folder}:ro" for folder in (repository, SELF_TEST_MODEL, staged)]
    http, grpc, metrics = ports(command)
    assert command == [
        *(program, "run", "--rm", "--name", "sonicmini-mine", "--security-opt", "label=disable"),
        *("--publish", f"127.0.0.1:{http}:8000"),
        *("--publish", f"127.0.0.1:{grpc}:8001"),
        *("--publish", f"127.0.0.1:{metrics}:8002"),
        *(word for mount in mounts for word in ("--volume", mount)),
        "nvcr.io/nvidia/tritonserver:24.10-py3",
        *("tritonserver", "--id=sonicmini-mine", f"--model-repository={staged}"),
        "--exit-timeout-secs=3",
    ]
    assert (staged / "jetsum" / "1" / "model.onnx").samefile(repository / "jetsum/1/model.onnx")
    config = (staged / "jetsum" / "config.pbtxt").read_text()
    assert "kind: KIND_CPU" in config
    assert "count: 2" in config


def test_command_of_apptainer(repository, cache):
    options = ServerOptions(http_port=18123, models=["metsum"], model_control="explicit")
    command = dry_run(ContainerOptions(program="apptainer", gpu=True), repository, options)
    assert command[:4] == ["apptainer", "exec", "--cleanenv", "--nv"]
    assert f"{repository}:{repository}:ro" in values(command, "--bind")
    assert "docker://nvcr.io/nvidia/tritonserver:24.10-py3" in command
    for word in ("--http-address=127.0.0.1", "--http-port=18123", "--grpc-address=127.0.0.1"):
        assert word in command
    assert [word for word in command if word.startswith("--load-model")] == [
        "--load-model=metsum",
        "--load-model=sonicmini_self_test",
    ]
    (staged,) = (cache / "sonicmini" / "staged").iterdir()
    assert sorted(path.name for path in staged.iterdir()) == ["metsum", "sonicmini_self_test"]


def test_every_repository_of_the_models_is_mounted(repository, tmp_path):
    other = tmp_path / "other"
    other.mkdir()
    (repository / "metsum").rename(other / "metsum")
    command = dry_run(ContainerOptions(program="docker", gpu=False), [other, repository])
    for folder in (other, repository):
        assert f"{folder}:{folder}:ro" in values(command, "--volume")


def test_apptainer_takes_image_files_and_other_references(repository, tmp_path):
    image = tmp_path / "triton.sif"
    image.write_text("")
    for given in (str(image), "oras://registry/triton:1"):
        command = dry_run(ContainerOptions(program="apptainer", image=given), repository)
        assert given in command


@pytest.mark.parametrize(
    ("program", "flags"),
    [("docker", ["--gpus", "all"]), ("podman", ["--device", "nvidia.com/gpu=all"])],
)
def test_gpus_are_handed_over_if_wanted(repository, program, flags):
    path = repository / "jetsum" / "config.pbtxt"
    path.write_text(path.read_text() + "instance_group { kind: KIND_GPU }\n")
    container = ContainerOptions(program=program, gpu=True)
    command = dry_run(container, repository)
    at = command.index(flags[0])
    assert command[at : at + 2] == flags
    staged = values(command, "--volume")[-1].split(":")[0]
    assert "KIND_GPU" in (Path(staged) / "jetsum" / "config.pbtxt").read_text()


def test_gpus_are_found_by_their_driver(monkeypatch, tmp_path):
    monkeypatch.setattr(containers, "_DRIVER", tmp_path)
    assert ContainerOptions(program="docker").uses_gpu
    monkeypatch.setattr(containers, "_DRIVER", tmp_path / "none")
    assert not ContainerOptions(program="docker").uses_gpu


def test_same_command_and_folder_again(repository, cache):
    options = ServerOptions(name="mine", http_port=18124, grpc_port=18125, metrics_port=18126)
    container = ContainerOptions(program="docker", gpu=False)
    assert dry_run(container, repository, options) == dry_run(container, repository, options)
    assert len(list((cache / "sonicmini" / "staged").iterdir())) == 1


def test_missing_program_is_named(repository, monkeypatch):
    monkeypatch.setenv("PATH", "")
    with pytest.raises(ServerError, match=r"podman is not on the PATH: install it, or choose an"):
        start_container(ContainerOptions(program="podman"), repository)


STAND_IN = """#!{python}
import os, pathlib, sys
words = sys.argv[1:]
with open("{calls}", "a") as calls:
    print(*words[:2], file=calls)
if words[0] == "rm":
    sys.exit()
for folder in (w.split(":")[0] for f, w in zip(words, words[1:]) if f in ("--bind", "--volume")):
    assert pathlib.Path(folder).is_dir(), folder
published = [w.split(":")[1] for f, w in zip(words, words[1:]) if f == "--publish"]
arguments = words[words.index("tritonserver") + 1:] + {arguments!r}
(token,) = (word.removeprefix("--id=") for word in arguments if word.startswith("--id="))
arguments.append("--backend-config=python,shm-region-prefix-name=" + token)
for kind, port in zip(("http", "grpc", "metrics"), published):
    arguments += ["--" + kind + "-address=127.0.0.1", "--" + kind + "-port=" + port]
os.execve("{server}", ["tritonserver", *arguments], {environment!r})
"""


@pytest.fixture
def stand_in(triton, servers, tmp_path, monkeypatch):
    """Puts a program on the PATH that runs the server of the package index without a container."""

    def put(program):
        folder = tmp_path / "programs"
        (folder / "tmp").mkdir(parents=True)
        launch._prepare_backends(triton, folder / "backends")
        text = STAND_IN.format(
            python=sys.executable,
            calls=folder / "calls",
            server=server_program(triton),
            arguments=[f"--backend-directory={folder / 'backends'}"],
            environment=launch._environment(triton, folder),
        )
        (folder / program).write_text(text)
        (folder / program).chmod(0o755)
        monkeypatch.setenv("PATH", str(folder), prepend=":")
        return folder / "calls"

    return put


@pytest.mark.triton
@pytest.mark.parametrize(
    ("program", "calls"),
    [("apptainer", ["exec"]), ("docker", ["run", "rm"]), ("podman", ["run", "rm"])],
)
def test_server_is_run_watched_and_removed(repository, stand_in, traces, program, calls):
    called = stand_in(program)
    container = ContainerOptions(program=program, gpu=False)
    with start_container(container, repository, ServerOptions(instances=1)) as server:
        assert status(f"{server.http_url}/v2/models/metsum/ready") == 200
    assert [line.split()[0] for line in called.read_text().splitlines()] == calls
    assert not server.log.parent.exists()
    with pytest.raises(ProcessLookupError):
        os.kill(server.pid, 0)
    assert traces(f"sonicmini-{server.name}-") == []


@pytest.mark.skipif(shutil.which("docker") is None, reason="no docker here")
def test_what_docker_says_is_told(repository, servers, monkeypatch):
    monkeypatch.setenv("DOCKER_HOST", "unix:///nowhere")
    with pytest.raises(ServerError, match=r"did not start; its log says:(.|\n)*docker"):
        start_container(ContainerOptions(program="docker", image="nothing"), repository)
    assert list(servers.glob("*")) == [servers / ".lock"]
