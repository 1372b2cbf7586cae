"""Networks of another repository in the place of ours, beside ours: here and on a real Triton."""

import hashlib
import json

import awkward as ak
import numpy as np
import pytest
import uproot
import yaml

from sonicmini.config import Overrides, load
from sonicmini.inference.repository import ModelRepository
from sonicmini.job import run_job
from sonicmini.model_facts import all_versions, faults
from sonicmini.module import SonicProducer
from sonicmini.plugins import resolve
from sonicmini.resources import bundled
from tests.modules.networks.particlenet.tiny_networks import write_repository
from tests.outputs import read_events

LABELS = ("b", "bb", "c", "cc", "uds", "g", "undef", "pu")
TAGGER = "sonicmini.modules.networks.particlenet.taggers:ParticleNetAK4CHS"
SCORES = [f"JetCHS_particleNetAK4_prob{label}" for label in LABELS]


@pytest.fixture(scope="module")
def other(tmp_path_factory):
    """A repository in CMS's layout: a network that wants other features than ours or CMS's."""
    folder = tmp_path_factory.mktemp("other")
    write_repository(folder, "particlenet_AK4", [f"label_{label}" for label in LABELS])
    model = folder / "particlenet_AK4"
    (model / "labels.txt").write_text("\n".join(LABELS))
    config = model / "config.pbtxt"
    md5 = hashlib.md5((model / "1" / "model.onnx").read_bytes(), usedforsecurity=False).hexdigest()
    config.write_text(
        config.read_text().replace("dims: [8] }", 'dims: [8] label_filename: "labels.txt" }')
        + 'model_repository_agents { agents [ { name: "checksum"'
        f' parameters {{ key: "MD5:1/model.onnx" value: "{md5}" }} }} ] }}'
    )
    return folder


@pytest.fixture(scope="module")
def workflow(tmp_path_factory):
    """Our chain with one of our networks, and one of the other repository."""
    path = tmp_path_factory.mktemp("configs") / "both.yaml"
    tree = yaml.safe_load((bundled("configs") / "miniaod.yaml").read_text())
    tree["model_repository"] = str(bundled("models"))
    types = {
        label: entry if isinstance(entry, str) else entry["type"]
        for label, entry in tree["modules"].items()
    }
    for label, kind in types.items():
        if issubclass(resolve(kind), SonicProducer):
            del tree["modules"][label]
    tree["modules"] |= {"met": {"type": "DeepMET", "model": "deepmet/1"}, "tagger": TAGGER}
    path.write_text(yaml.safe_dump(tree))
    return path


@pytest.fixture(scope="module")
def run(other, workflow, tmp_path_factory):
    """Runs ten events; their branches, and the provenance."""

    def events(**overrides):
        output = tmp_path_factory.mktemp("out") / "out.root"
        given = Overrides(
            inputs=[bundled("sample_data") / "ttbar_10.root"],
            output=output,
            model_repository=[other, bundled("models")],
            **overrides,
        )
        run_job(load(workflow, given))
        with uproot.open(output) as file:
            return read_events(output), json.loads(file["Runs/provenance"].array()[0])

    return events


def test_the_other_repository_is_sound(other):
    repository = ModelRepository(other)
    assert {model: faults(repository, model) for model in all_versions(repository)} == {
        "particlenet_AK4/1": []
    }


def test_each_network_comes_from_the_first_folder_that_has_it(other, run):
    events, provenance = run()
    models = provenance["models"]
    assert models["particlenet_AK4"]["folder"] == str(other / "particlenet_AK4")
    assert models["deepmet/1"]["folder"] == str(bundled("models") / "deepmet")
    content = (other / "particlenet_AK4" / "1" / "model.onnx").read_bytes()
    assert models["particlenet_AK4"]["sha256"] == hashlib.sha256(content).hexdigest()
    scores = np.stack([ak.to_numpy(ak.flatten(events[name])) for name in SCORES], axis=1)
    sums = scores.sum(1)
    described = sums > 0
    assert described.sum() > 10
    np.testing.assert_allclose(sums[described], 1, rtol=1e-3)  # stored as half floats
    assert (scores[described].std(0) > 0.001).all()


@pytest.mark.triton
@pytest.mark.parametrize("chunk_size", [3, 10])
def test_the_embedded_triton_serves_from_both_folders(run, chunk_size):
    expected, _ = run()
    found, provenance = run(inference="remote", chunk_size=chunk_size)
    assert {entry["backend"] for entry in provenance["backends"]} == {"embedded"}
    assert list(found) == list(expected)
    for name in (*SCORES, "DeepMETResolutionTune_pt"):
        there, here = (ak.to_numpy(ak.ravel(events[name])) for events in (found, expected))
        np.testing.assert_allclose(there, here, rtol=1e-3, atol=1e-5)
