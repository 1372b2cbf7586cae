"""Jet energy corrections against an independent reading of their file, and their closure."""

import functools
import gzip
import json
import math
import re
from pathlib import Path

import awkward as ak
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sonicmini.io.root_source import RootSource
from sonicmini.module import Producer
from sonicmini.modules.gen.jets import GenJets
from sonicmini.modules.jets.corrections import (
    AK4_FILE,
    AK8_FILE,
    AK4CHSJetCorrections,
    AK4PuppiJetCorrections,
    AK8PuppiJetCorrections,
    JetEnergyCorrections,
)
from sonicmini.modules.jets.raw import AK4CHSJets, AK4PuppiJets, AK8PuppiJets
from sonicmini.modules.jets.rho import FixedGridRho
from sonicmini.modules.puppi.puppi import Puppi
from sonicmini.modules.vertexing.primary import PrimaryVertexAssociation, PrimaryVertexSorting
from sonicmini.resources import bundled

MODULES = (AK4CHSJetCorrections(), AK4PuppiJetCorrections(), AK8PuppiJetCorrections())
NAMES = ("AK4PFchs", "AK4PFPuppi", "AK8PFPuppi")
kinds = pytest.mark.parametrize(("module", "name"), list(zip(MODULES, NAMES, strict=True)))


class Read:
    """A correctionlib file read with nothing but what the format says."""

    def __init__(self, path):
        content = json.loads(gzip.decompress(Path(path).read_bytes()))
        self.single = {one["name"]: one for one in content["corrections"]}
        self.compound = {one["name"]: one for one in content["compound_corrections"]}

    def __call__(self, name, **values):
        if name in self.single:
            return self._value(self.single[name]["data"], values)
        compound, product = self.compound[name], 1.0
        for level in compound["stack"]:
            factor = self._value(self.single[level]["data"], values)
            product *= factor
            values = {
                k: v * factor if k in compound["inputs_update"] else v for k, v in values.items()
            }
        return product

    def _value(self, node, values):
        if isinstance(node, float | int):
            return node
        match node["nodetype"]:
            case "binning":
                edges = node["edges"]
                place = sum(edge <= values[node["input"]] for edge in edges) - 1
                return self._value(node["content"][min(max(place, 0), len(edges) - 2)], values)
            case "transform":
                changed = values | {node["input"]: self._value(node["rule"], values)}
                return self._value(node["content"], changed)
            case "formula":
                parameters = node.get("parameters", [])
                text = re.sub(
                    r"\[(\d+)\]", lambda m: f"({parameters[int(m[1])]!r})", node["expression"]
                )
                letters = zip("xyz", node["variables"], strict=False)
                known = {letter: values[variable] for letter, variable in letters}
                return eval(text, {"log10": math.log10, "sqrt": math.sqrt} | known)  # noqa: S307
        raise AssertionError(node["nodetype"])


def run(module, jets, rho):
    """The corrections of events with given jets: tuples of pt, eta and area."""
    name = module.consumes[0]
    columns = ("pt", "eta", "area")
    records = [[dict(zip(columns, jet, strict=True)) for jet in event] for event in jets]
    array = ak.Array([*records, [dict.fromkeys(columns, 1.0)]])[:-1]
    inputs = {name: array, "Rho": ak.zip({"fixedGridRhoFastjetAll": np.array(rho)})}
    return module.produce(inputs)[module.produces[0]]


jet = st.tuples(st.floats(5, 4000), st.floats(-6, 6), st.floats(0.1, 2.5))


@kinds
@settings(max_examples=30)
@given(jets=st.lists(st.lists(jet, max_size=5), min_size=1, max_size=3), rho=st.floats(0, 60))
def test_columns_are_those_of_the_file(module, name, jets, rho):
    read = Read(bundled(AK8_FILE if name.startswith("AK8") else AK4_FILE))
    result = run(module, jets, [rho] * len(jets))
    assert ak.num(result).to_list() == [len(event) for event in jets]
    for event, found in zip(jets, result.to_list(), strict=True):
        for (pt, eta, area), columns in zip(event, found, strict=True):
            raw = {"JetPt": pt, "JetEta": eta, "JetA": area, "Rho": rho}
            factor = read(f"sonicmini_MC_L1L2L3_{name}", **raw)
            calibrated = raw | {"JetPt": pt * factor}
            assert columns == pytest.approx(
                {
                    "factor": factor,
                    "l1Factor": read(f"sonicmini_MC_L1FastJet_{name}", **raw),
                    "uncertainty": read(f"sonicmini_MC_Total_{name}", **calibrated),
                    "ptResolution": read(f"sonicmini_MC_PtResolution_{name}", **calibrated),
                    "phiResolution": read(f"sonicmini_MC_PhiResolution_{name}", **calibrated),
                },
                rel=1e-9,
            )


@kinds
@settings(max_examples=30)
@given(eta=st.floats(-5.2, 5.2), rho=st.floats(0, 50), pt=st.floats(8, 2000))
def test_corrections_are_sensible_and_keep_the_order_of_jets(module, name, eta, rho, pt):
    area = 2.0 if name.startswith("AK8") else 0.5
    jets = [[(pt, eta, area), (1.01 * pt, eta, area)]]
    result = run(module, jets, [rho])[0]
    assert pt * result.factor[0] < 1.01 * pt * result.factor[1]
    assert ak.all(result.factor < 2.2)
    assert ak.all((result.l1Factor > 0) & (result.l1Factor <= 1))
    assert ak.all((result.uncertainty > 0.001) & (result.uncertainty < 0.2))
    assert ak.all((result.ptResolution > 0.02) & (result.ptResolution < 0.8))
    assert ak.all((result.phiResolution > 0.001) & (result.phiResolution < 0.2))


def test_pileup_is_subtracted_by_density_and_area_from_chs_jets_only():
    jets = [[(30.0, 3.3, 0.5)], [(30.0, 3.3, 0.5)], [(30.0, 3.3, 0.25)], [(30.0, 3.3, 0.5)]]
    of = {
        name: ak.flatten(run(module, jets, [0, 10, 10, 20]))
        for module, name in zip(MODULES, NAMES, strict=True)
    }
    removed = 1.0 - of["AK4PFchs"].l1Factor
    assert removed[0] == 0.0
    assert removed[1] == pytest.approx(2.0 * removed[2])
    assert 1.7 < removed[3] / removed[1] < 2.4
    assert of["AK4PFPuppi"].l1Factor.to_list() == of["AK8PFPuppi"].l1Factor.to_list() == [1.0] * 4
    assert len(set(of["AK4PFPuppi"].factor.to_list())) == 1


@kinds
def test_no_jets_and_no_events(module, name):
    assert run(module, [[], []], [5.0, 6.0]).to_list() == [[], []]
    assert len(run(module, [], np.zeros(0))) == 0


def test_a_file_that_cannot_be_used_is_refused(tmp_path):
    with pytest.raises(ValueError, match="cannot read"):
        AK4CHSJetCorrections(file=str(tmp_path / "none.json"))
    with pytest.raises(ValueError, match="AK4PFchs"):
        AK4CHSJetCorrections(file=str(bundled(AK8_FILE)))
    (tmp_path / "empty.json").write_text("{}")
    with pytest.raises(ValueError, match="cannot read"):
        JetEnergyCorrections(str(tmp_path / "empty.json"), "AK4PFchs")


CHAIN: tuple[Producer, ...] = (
    *(PrimaryVertexSorting(), PrimaryVertexAssociation(), Puppi(), FixedGridRho()),
    *(AK4CHSJets(), AK4PuppiJets(), AK8PuppiJets()),
    *MODULES,
)


@functools.cache
def ttbar():
    """100 events with calibrated jets. They are not what the corrections were derived from."""
    (chunk,) = RootSource([bundled("sample_data/ttbar.root")], max_events=100).chunks()
    products = dict(chunk.products)
    for module in CHAIN:
        products |= module.produce({key: products[key] for key in module.consumes})
    return products


@kinds
@pytest.mark.parametrize("eta_range", [(0.0, 2.4), (2.4, 4.7)])
def test_closure_on_the_bundled_sample(module, name, eta_range):
    products, radius = ttbar(), 0.8 if name.startswith("AK8") else 0.4
    gen = GenJets(radius=radius).produce(products)["GenJet"]
    low, high = eta_range
    hard = gen.pt > (80 if radius == 0.8 else 25)
    gen = gen[hard & (abs(gen.eta) >= low) & (abs(gen.eta) < high)]
    jets = ak.with_field(
        products[module.consumes[0]], products[module.produces[0]].factor, "factor"
    )
    pairs = ak.cartesian({"gen": gen, "jet": jets})
    turn = (pairs.jet.phi - pairs.gen.phi + np.pi) % (2 * np.pi) - np.pi
    close = np.hypot(pairs.jet.eta - pairs.gen.eta, turn) < radius / 2
    ratio = np.asarray(ak.flatten((pairs.jet.pt * pairs.jet.factor / pairs.gen.pt)[close]))
    error = 1.25 * np.std(ratio) / math.sqrt(len(ratio))
    # Jets of top quarks have a response 2 to 3 % above that of the average dijet event.
    assert np.median(ratio) == pytest.approx(1.0, abs=0.03 + 2 * error)
