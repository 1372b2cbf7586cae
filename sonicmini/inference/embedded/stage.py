"""A copy of a model repository as a server can take it; the original is never touched."""

from collections.abc import Collection, Iterable
from pathlib import Path
from typing import Any

from google.protobuf import text_format
from tritonclient.grpc import model_config_pb2

from sonicmini.errors import ModelError
from sonicmini.inference.repository import Folders, ModelRepository

SELF_TEST = "sonicmini_self_test"
"""Name of the model that tests a server at its start."""


def served_models(repository: Folders, wanted: Collection[str] | None) -> tuple[Path, ...]:
    """Checks models of a repository as a local run would, MD5 checksums included.

    Args:
        repository: of the models.
        wanted: ``NAME`` or ``NAME/VERSION``; None for all.

    Returns:
        Their folders in the given order, each once.

    Raises:
        ModelError: if one is missing, unreadable or damaged; lists every fault.
    """
    models = ModelRepository(repository)
    chosen = [name for name in models.names() if name != SELF_TEST] if wanted is None else wanted
    if not chosen:
        raise ModelError(f"model repository {models} has no models to serve")
    specs = models.specs(chosen)
    # Not the folder itself: a link may give a model another name.
    folders = (spec.folder.parent.resolve() / spec.name for spec in specs.values())
    return tuple(dict.fromkeys(folders))


def stage(
    folders: Iterable[Path], target: Path, *, instances: int, threads: int, gpu: bool = False
) -> None:
    """Lays out models with links to their files and rewritten configurations.

    The checksum agent is left out, since not every server has it: see :func:`served_models`.

    Args:
        folders: of the models.
        target: a new model repository.
        instances: of each model, 0 leaves their number to the configuration.
        threads: of onnxruntime in each instance.
        gpu: leaves instances on GPUs; otherwise all run on the CPU.
    """
    for source in folders:
        folder = target / source.name
        folder.mkdir(parents=True)
        for path in source.iterdir():
            if path.name != "config.pbtxt":
                (folder / path.name).symlink_to(path.resolve())
        config = text_format.Parse(
            (source / "config.pbtxt").read_text(encoding="utf-8"), model_config_pb2.ModelConfig()
        )
        _rewrite(config, instances=instances, threads=threads, gpu=gpu)
        (folder / "config.pbtxt").write_text(text_format.MessageToString(config), encoding="utf-8")


def _rewrite(config: Any, *, instances: int, threads: int, gpu: bool) -> None:  # noqa: ANN401
    agents = [agent for agent in config.model_repository_agents.agents if agent.name != "checksum"]
    config.ClearField("model_repository_agents")
    if agents:
        config.model_repository_agents.agents.extend(agents)
    if gpu:
        for group in config.instance_group:
            group.count = instances or group.count
    else:
        count = instances or sum(group.count or 1 for group in config.instance_group) or 1
        config.ClearField("instance_group")
        cpu = model_config_pb2.ModelInstanceGroup.KIND_CPU
        config.instance_group.add(kind=cpu, count=count)
    for key in ("intra_op_thread_count", "inter_op_thread_count"):
        config.parameters[key].string_value = str(threads)
