from pathlib import Path

import pytest
from google.protobuf import text_format
from tritonclient.grpc import model_config_pb2

from sonicmini.errors import ModelError
from sonicmini.inference.embedded.stage import SELF_TEST, served_models, stage

CHECKSUM = """
model_repository_agents { agents [ {
  name: "checksum"
  parameters { key: "MD5:1/model.onnx", value: "00000000000000000000000000000000" }
} ] }
"""
GPU = "instance_group [ { kind: KIND_GPU count: 2 gpus: [0] }, { kind: KIND_CPU count: 1 } ]\n"


def config_of(folder: Path):
    text = (folder / "config.pbtxt").read_text()
    return text_format.Parse(text, model_config_pb2.ModelConfig())


def append(folder: Path, text: str) -> None:
    path = folder / "config.pbtxt"
    path.write_text(path.read_text() + text)


@pytest.fixture
def staged(repository, tmp_path):
    def make(**options):
        target = tmp_path / "staged"
        folders = [repository / "jetsum", repository / "metsum"]
        stage(folders, target, **({"instances": 1, "threads": 1} | options))
        return target

    return make


def test_files_are_linked_and_the_original_untouched(repository, staged):
    append(repository / "jetsum", CHECKSUM + GPU)
    (repository / "jetsum" / "labels.txt").write_text("b\nc\n")
    before = {path: path.read_bytes() for path in repository.rglob("*") if path.is_file()}
    target = staged()
    assert (target / "jetsum" / "1" / "model.onnx").samefile(repository / "jetsum/1/model.onnx")
    assert (target / "jetsum" / "labels.txt").read_text() == "b\nc\n"
    assert before == {path: path.read_bytes() for path in repository.rglob("*") if path.is_file()}


def test_checksum_agent_is_left_out_and_others_stay(repository, staged):
    append(repository / "jetsum", CHECKSUM)
    append(repository / "metsum", 'model_repository_agents { agents { name: "other" } }')
    target = staged()
    assert not config_of(target / "jetsum").HasField("model_repository_agents")
    (agent,) = config_of(target / "metsum").model_repository_agents.agents
    assert agent.name == "other"


def test_instances_run_on_the_cpu_in_the_given_number(repository, staged):
    append(repository / "jetsum", GPU)
    target = staged(instances=3, threads=2)
    for name in ("jetsum", "metsum"):
        config = config_of(target / name)
        (group,) = config.instance_group
        assert (group.kind, group.count, list(group.gpus)) == (group.KIND_CPU, 3, [])
        assert config.parameters["intra_op_thread_count"].string_value == "2"
        assert config.parameters["inter_op_thread_count"].string_value == "2"


def test_number_of_instances_may_be_the_configuration_s(repository, staged):
    append(repository / "jetsum", GPU)
    target = staged(instances=0)
    counts = [config_of(target / name).instance_group[0].count for name in ("jetsum", "metsum")]
    assert counts == [3, 1]


def test_gpu_instances_stay_where_there_is_one(repository, staged):
    append(repository / "jetsum", GPU)
    groups = config_of(staged(instances=4, gpu=True) / "jetsum").instance_group
    assert [(group.kind == group.KIND_GPU, group.count) for group in groups] == [
        (True, 4),
        (False, 4),
    ]


def test_the_rest_of_the_configuration_stays(repository, staged):
    before = config_of(repository / "jetsum")
    after = config_of(staged() / "jetsum")
    for config in (before, after):
        config.ClearField("instance_group")
        config.ClearField("parameters")
    assert before == after


def test_all_models_or_those_that_are_wanted_are_served(repository):
    assert served_models(repository, None) == (repository / "jetsum", repository / "metsum")
    assert served_models(repository, ["metsum"]) == (repository / "metsum",)
    assert served_models(repository, ["jetsum/1", "jetsum"]) == (repository / "jetsum",)


def test_every_unusable_model_is_named(repository):
    append(repository / "jetsum", CHECKSUM)
    with pytest.raises(ModelError) as caught:
        served_models(repository, ["jetsum", "metsun"])
    assert "has MD5" in str(caught.value)
    assert "did you mean metsum" in str(caught.value)


def test_folder_without_models_is_refused(tmp_path):
    with pytest.raises(ModelError, match="has no models to serve"):
        served_models(tmp_path, None)
    with pytest.raises(ModelError, match="is not a folder"):
        served_models(tmp_path / "nowhere", None)


def test_the_self_test_s_own_name_is_not_a_user_s_model(repository):
    (repository / SELF_TEST).mkdir()
    (repository / SELF_TEST / "config.pbtxt").write_text("")
    assert served_models(repository, None) == (repository / "jetsum", repository / "metsum")
