"""``scaling.json``: that it holds CMS's numbers, and what is refused."""

import json
import math

import numpy as np
import pytest

from sonicmini.errors import ModelError
from sonicmini.modules.networks.deeptau.inputs import KNOWN
from sonicmini.modules.networks.deeptau.scaling import FILE, Block, Raw, Scaling
from sonicmini.resources import bundled

MODEL = bundled("models") / "deeptau_2018v2p5"


def content():
    return json.loads((MODEL / FILE).read_text())


def test_widths_are_those_of_the_network():
    scaling = Scaling.read(MODEL, KNOWN)
    for grid in ("inner", "outer"):
        widths = {
            name: sum(len(scaling.blocks[grid, block].names) for block in blocks)
            for name, blocks in scaling.inputs.items()
        }
        assert widths == {"tau": 43, "egamma": 86, "muon": 64, "hadrons": 38}
    assert scaling.grids == {"inner": (11, 0.02), "outer": (21, 0.05)}


@pytest.mark.parametrize(
    ("block", "feature", "inner", "outer"),
    [
        ("PfCand_gamma", "rel_pt", (0.2681, 0.5467, 5), (0.02024, 0.1801, 5)),
        ("PfCand_chHad", "charge", (0, 1, math.inf), (0, 1, math.inf)),
        ("Muon", "n_hits_CSC_1", (12, 12, 1), (12, 12, 1)),
        ("TauFlat", "tau_dz_sig", (16.75, 191.7, 5), (16.75, 191.7, 5)),
    ],
)
def test_numbers_of_single_features(block, feature, inner, outer):
    scaling = Scaling.read(MODEL, KNOWN)
    for grid, expected in (("inner", inner), ("outer", outer)):
        found = scaling.blocks[grid, block]
        at = found.names.index(feature)
        numbers = (found.mean[at], found.std[at], found.lim[at])
        assert numbers == pytest.approx(expected, rel=1e-6)


def test_scaled_values_are_limited_and_what_is_not_finite_is_zero():
    mean, std, lim = (np.array(x, np.float32) for x in ([1, 1, 0], [2, 2, 1], [3, np.inf, 1]))
    block = Block(("a", "b", "c"), mean, std, lim)
    # Features by objects; the network reads them in another order, of two of three objects.
    table = np.array([[7, -7, -np.inf], [9, 9, 9], [5, 50, np.nan], [5, 50, np.inf]], np.float32)
    raw = Raw(table, np.array([2, 3, 0]), np.array([2, 1, 0]), np.array([0, 3, 1]))
    content = np.full((4, 5), 8, np.float32)
    block.scale_into(content, 1, raw)
    assert content.tolist() == [
        [8, 0, 0, 0, 8],
        [8, 2, 2, 1, 8],
        [8, 8, 8, 8, 8],
        [8, 3, 24.5, -1, 8],
    ]


def test_all_faults_come_in_one_message(tmp_path):
    faulty = content()
    faulty["grids"]["inner"]["cells"] = 10
    faulty["grids"]["outer"]["cell_size"] = 0
    faulty["inputs"]["muon"].append("Jet")
    faulty["inputs"]["egamma"] = "Electron"
    faulty["inputs"]["hadrons"].append("TauFlat")
    faulty["inputs"]["tau"] = ["Muon"]
    faulty["blocks"]["PfCand_nHad"]["names"][1] = "rel_p"
    faulty["blocks"]["Muon"]["inner"]["std"][5] = 0
    faulty["blocks"]["Muon"]["outer"]["lim"].pop()
    faulty["blocks"]["Electron"]["outer"]["mean"][0] = "0"
    del faulty["blocks"]["PfCand_muon"]["inner"]
    faulty["blocks"]["PfCand_hadron"] = {}
    faulty["blocks"]["TauFlat"] = []
    (tmp_path / FILE).write_text(json.dumps(faulty))
    with pytest.raises(ModelError) as raised:
        Scaling.read(tmp_path, KNOWN)
    for part in (
        str(tmp_path / FILE),
        "grid inner has 10 cells, expected an odd number",
        "grid outer has cells of size 0",
        "input muon wants the block Jet, which is not there",
        "input egamma is not a list of blocks",
        "input hadrons cannot have the block TauFlat",
        "input tau cannot have the block Muon",
        "feature rel_p of PfCand_nHad is unknown; did you mean rel_pt?",
        "std of Muon, inner: must be above 0",
        "lim of Muon, outer: 36 values for 37 features",
        "mean of Electron, outer: not a number",
        "block PfCand_muon has neither all nor inner",
        "block PfCand_hadron is unknown; did you mean PfCand_",
        "block TauFlat has no names",
    ):
        assert part in str(raised.value)


@pytest.mark.parametrize(
    ("text", "named"),
    [
        (None, "missing or unreadable"),
        ("{", "no JSON"),
        ("[]", "not an object"),
        ("{}", "grids is missing"),
        ('{"grids": {}, "inputs": {}, "blocks": {}}', "grid inner needs cells"),
        ('{"grids": {}, "inputs": {}, "blocks": {}}', "input tau is missing"),
    ],
)
def test_what_is_no_scaling_is_refused(tmp_path, text, named):
    if text is not None:
        (tmp_path / FILE).write_text(text)
    with pytest.raises(ModelError, match=named):
        Scaling.read(tmp_path, KNOWN)
