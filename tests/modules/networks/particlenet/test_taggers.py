"""From jets to the columns of the output, through real networks in CMS's layout."""

import asyncio
import json

import awkward as ak
import numpy as np
import pytest

from sonicmini.errors import ModelError, ModuleError
from sonicmini.inference.batching import Batching
from sonicmini.inference.onnx import OnnxClient
from sonicmini.inference.repository import ModelRepository
from sonicmini.inference.route import Direct
from sonicmini.inference.service import InferenceService, ServiceOptions
from sonicmini.io.columns import flatten, stored_product
from sonicmini.io.miniaod import MINIAOD
from sonicmini.modules.networks.particlenet.inputs import Inputs
from sonicmini.modules.networks.particlenet.jets import with_candidates
from sonicmini.modules.networks.particlenet.preprocess import Preprocess
from sonicmini.modules.networks.particlenet.taggers import (
    ParticleNetAK4,
    ParticleNetAK4CHS,
    ParticleNetAK8,
    ParticleNetAK8Mass,
    ParticleNetAK8MD,
)
from tests.modules.networks.particlenet.jet_events import SIZES, events
from tests.modules.networks.particlenet.tiny_networks import output_of, write_repository

QCD = ("QCD_bb", "QCD_cc", "QCD_b", "QCD_c", "QCD_others")
CMS = {
    ParticleNetAK4CHS: ("b", "bb", "c", "cc", "uds", "g", "undef", "pu"),
    ParticleNetAK4: ("b", "bb", "c", "cc", "uds", "g", "undef", "pu"),
    ParticleNetAK8: (
        *("Top_bcq", "Top_bqq", "Top_bc", "Top_bq", "Top_bel", "Top_bmu", "Top_bta"),
        *("W_cq", "W_qq", "Z_bb", "Z_cc", "Z_qq", "H_bb", "H_cc", "H_qqqq", *QCD),
    ),
    ParticleNetAK8MD: ("X_bb", "X_cc", "X_qq", *QCD),
    ParticleNetAK8Mass: ("mass",),
}
"""CMS's labels of each network, without what all begin with."""


def labels_of(module):
    return [f"label_{name}" for name in CMS[module]]


def products():
    made = events(*SIZES)
    return made | {"Jet": made["JetCHS"], "JetPFCand": made["JetCHSPFCand"]}


async def run_here(function):
    return function()


def answer(folder, module, inputs, **batching):
    """The network's answers, through the package's own service."""
    specs = ModelRepository(folder).specs([module.model])
    service = InferenceService(
        {module.model: (specs[module.model], Direct("here", OnnxClient(specs, run_here)))},
        run_here,
        options=ServiceOptions(batching=Batching(**batching)),
    )
    return asyncio.run(service.infer(module.model, inputs))


def run(folder, cls, made, **batching):
    """The module as it is used, with its network in that folder; its product."""
    name = cls().model
    if not (folder / name).exists():
        write_repository(folder, name, labels_of(cls))
    module = cls().configured(folder / name)
    inputs = {product: made[product] for product in module.consumes}
    outputs = answer(folder, module, module.acquire(inputs), **batching)
    return module.produce(inputs, outputs)[module.produces[0]]


def everything_sent(folder, cls, made):
    """Answers to all jets, as CMS sends them, those without candidates overwritten by 0."""
    module = cls().configured(folder / cls().model)
    read = Preprocess.read(folder / module.model, list(FEATURES))
    described = with_candidates(made, module.kind)
    tensors = Inputs.of(read).tensors(made, module.kind, np.ones_like(described))
    answers = np.asarray(answer(folder, module, tensors)[output_of(CMS[cls])])
    return np.where(described[:, np.newaxis], answers, 0)


FEATURES = (
    *("pfcand_pt_log_nopuppi", "pfcand_etarel", "pfcand_phirel", "pfcand_dxysig"),
    *("pfcand_charge", "pfcand_mask", "sv_mass", "sv_dxysig", "sv_etarel", "sv_phirel", "sv_mask"),
)


@pytest.mark.parametrize("cls", CMS)
def test_columns_are_those_of_the_output_and_beside_the_jets(tmp_path, cls):
    made = products()
    found = run(tmp_path, cls, made)
    assert ak.num(found).tolist() == ak.num(made[cls.kind.jets]).tolist()
    stored = stored_product(MINIAOD[cls.produces[0]])
    values = flatten(stored, found).values
    names = {f"{MINIAOD[stored.product].prefix}_{name}" for name in found.fields}
    assert set(values) == {column.branch.name for column in stored.columns} == names
    assert all(value.dtype == np.float32 for value in values.values())


@pytest.mark.parametrize("cls", CMS)
def test_jets_without_candidates_are_not_sent_and_get_0(tmp_path, cls):
    made = products()
    found = run(tmp_path, cls, made)
    answers = everything_sent(tmp_path, cls, made)
    empty = ~answers.any(axis=1)
    assert empty.any()
    assert not empty.all()
    for name in found.fields:
        column = ak.to_numpy(ak.flatten(found[name]))
        assert (column[empty] == 0).all()
        assert (column[~empty] > 0).all()
    if cls is ParticleNetAK8Mass:
        columns = [found.particleNet_mass]
    else:
        columns = [found[name] for name in cls.probabilities]
    scores = np.stack([ak.to_numpy(ak.flatten(column)) for column in columns], axis=1)
    np.testing.assert_allclose(scores, answers, rtol=1e-5)


def by_hand(cls, p):
    """Some discriminators as the notes on them read."""
    if cls is ParticleNetAK4CHS:
        jets = p["b"] + p["bb"] + p["c"] + p["cc"] + p["uds"] + p["g"]
        return {
            "btagPNetB": (p["b"] + p["bb"]) / jets,
            "btagPNetCvL": (p["c"] + p["cc"]) / (p["c"] + p["cc"] + p["uds"] + p["g"]),
            "btagPNetCvB": (p["c"] + p["cc"]) / (p["c"] + p["cc"] + p["b"] + p["bb"]),
            "btagPNetQvG": p["uds"] / (p["uds"] + p["g"]),
        }
    qcd = sum(p[name] for name in QCD)

    def against(*names):
        return sum(p[name] for name in names) / (sum(p[name] for name in names) + qcd)

    if cls is ParticleNetAK8MD:
        each = {f"particleNetMD_X{x}vsQCD": against(f"X_{x}") for x in ("bb", "cc", "qq")}
        return each | {"particleNetMD_QCD": qcd}
    return {
        "particleNet_TvsQCD": against("Top_bcq", "Top_bqq"),
        "particleNet_WvsQCD": against("W_cq", "W_qq"),
        "particleNet_ZvsQCD": against("Z_bb", "Z_cc", "Z_qq"),
        "particleNet_ZbbvsQCD": against("Z_bb"),
        "particleNet_ZccvsQCD": against("Z_cc"),
        "particleNet_HbbvsQCD": against("H_bb"),
        "particleNet_HccvsQCD": against("H_cc"),
        "particleNet_H4qvsQCD": against("H_qqqq"),
        "particleNet_QCD": qcd,
    }


@pytest.mark.parametrize("cls", [ParticleNetAK4CHS, ParticleNetAK8, ParticleNetAK8MD])
def test_discriminators_are_those_of_cms(tmp_path, cls):
    made = products()
    found = run(tmp_path, cls, made)
    answers = everything_sent(tmp_path, cls, made)
    sent = answers.any(axis=1)
    expected = by_hand(cls, dict(zip(CMS[cls], answers[sent].astype(np.float64).T, strict=True)))
    assert set(expected) == {*cls.ratios, *cls.sums}
    for name, values in expected.items():
        column = ak.to_numpy(ak.flatten(found[name]))[sent]
        np.testing.assert_allclose(column, values, rtol=1e-4, err_msg=name)


def test_scores_do_not_depend_on_neighbours_or_requests(tmp_path):
    made = products()
    whole = run(tmp_path, ParticleNetAK4CHS, made)
    for batching in ({"max_rows": 1}, {"buckets": (50,)}, {"buckets": ()}):
        other = run(tmp_path, ParticleNetAK4CHS, made, **batching)
        for name in whole.fields:
            np.testing.assert_allclose(ak.flatten(whole[name]), ak.flatten(other[name]), atol=1e-6)
    for i in range(len(SIZES)):
        alone = run(tmp_path, ParticleNetAK4CHS, {name: p[i : i + 1] for name, p in made.items()})
        for name in whole.fields:
            np.testing.assert_allclose(alone[name][0], whole[name][i], atol=1e-6)


@pytest.mark.parametrize("cls", [ParticleNetAK4CHS, ParticleNetAK8Mass])
@pytest.mark.parametrize("sizes", [(), ((5, 0, 0, 1),), ((0, 2, 0, 1),)])
def test_chunks_without_candidates_in_jets_need_no_network(tmp_path, cls, sizes):
    found = run(tmp_path, cls, events(*sizes))
    assert ak.num(found).tolist() == [size[1] for size in sizes]
    assert all(
        (ak.flatten(found[name]) == 0).tolist() == [True] * ak.count(found[name])
        for name in found.fields
    )


def test_labels_may_come_in_another_order(tmp_path):
    # The numbers are the same, they only mean other classes.
    made = products()
    found = run(tmp_path / "cms", ParticleNetAK4CHS, made)
    write_repository(tmp_path / "turned", "particlenet_AK4", labels_of(ParticleNetAK4CHS)[::-1])
    turned = run(tmp_path / "turned", ParticleNetAK4CHS, made)
    pairs = list(zip(CMS[ParticleNetAK4CHS], CMS[ParticleNetAK4CHS][::-1], strict=True))
    for name, other in pairs:
        column, same = f"particleNetAK4_prob{name}", f"particleNetAK4_prob{other}"
        assert found[column].tolist() == turned[same].tolist()


@pytest.mark.parametrize(
    ("cls", "labels", "fault"),
    [
        (ParticleNetAK4, ["label_b", "label_uds"], "lack bb, c, cc, g, undef, pu; they are b, uds"),
        (ParticleNetAK8Mass, ["label_b", "mass"], "output_names are b, mass; expected the mass"),
    ],
)
def test_a_network_of_other_classes_is_refused(tmp_path, cls, labels, fault):
    write_repository(tmp_path, "other", labels)
    with pytest.raises(ModelError, match=fault) as caught:
        cls(model="other").configured(tmp_path / "other")
    assert "preprocess.json" in str(caught.value)


def test_as_many_numbers_as_labels_are_expected(tmp_path):
    folder = write_repository(tmp_path, "particlenet_AK4", labels_of(ParticleNetAK4))
    path = folder / "particlenet_AK4" / "preprocess.json"
    content = json.loads(path.read_text())
    path.write_text(json.dumps(content | {"output_names": [*content["output_names"], "label_x"]}))
    with pytest.raises(ModuleError, match="expected one with 9 numbers a jet"):
        run(tmp_path, ParticleNetAK4, products())


def test_a_module_without_its_network_says_so():
    with pytest.raises(ModuleError, match="call configured"):
        ParticleNetAK4().acquire(products())
