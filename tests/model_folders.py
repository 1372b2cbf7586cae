"""A model folder to be changed by a test."""

import shutil
from pathlib import Path

from google.protobuf import text_format
from tritonclient.grpc import model_config_pb2

from sonicmini.resources import bundled

DEEPMET = bundled("models") / "deepmet"


def one_version(repository: Path, name: str) -> Path:
    """Copies version 1 of DeepMET, without checksums, into a repository, under that name."""
    folder = repository / name
    shutil.copytree(DEEPMET / "1", folder / "1")
    shutil.copy(DEEPMET / "README.md", folder)
    config = text_format.Parse(
        (DEEPMET / "config.pbtxt").read_text(), model_config_pb2.ModelConfig()
    )
    config.name = name
    config.ClearField("version_policy")
    config.ClearField("model_repository_agents")
    (folder / "config.pbtxt").write_text(text_format.MessageToString(config))
    return folder
