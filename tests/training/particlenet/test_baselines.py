import numpy as np
import pytest

from training.particlenet.baselines import (
    NO_TRACK,
    ImpactLikelihood,
    boson_subjettiness,
    top_subjettiness,
    track_significances,
)
from training.particlenet.jets import Jets, Rows
from training.particlenet.recipes import PF

GOOD = {"pfcand_quality": 5.0, "pfcand_pt_log_nopuppi": 1.0}


def rows(*jets: list[dict[str, float]]) -> Rows:
    """Candidates of jets, features that are not given are 0."""
    candidates = [candidate for jet in jets for candidate in jet]
    values = np.zeros((len(candidates), len(PF)), np.float16)
    for row, candidate in zip(values, candidates, strict=True):
        for name, value in (GOOD | candidate).items():
            row[PF.index(name)] = value
    return Rows(values, np.array([len(jet) for jet in jets]))


def sip(value: float, **others: float) -> dict[str, float]:
    return {"pfcand_btagSip3dSig": value, **{f"pfcand_{k}": v for k, v in others.items()}}


def test_highest_significances_of_each_jet_come_first():
    found = track_significances(rows([sip(1), sip(5), sip(-2)], [], [sip(3)]), 2)
    assert found.tolist() == [[5, 1], [NO_TRACK, NO_TRACK], [3, NO_TRACK]]


@pytest.mark.parametrize(
    "bad",
    [
        {"quality": 1.0},
        {"pt_log_nopuppi": -0.1},
        {"dxy": 2.5},
        {"dz": -0.6},
        {"btagJetDistVal": -0.3},
    ],
)
def test_bad_tracks_do_not_count(bad):
    assert track_significances(rows([sip(9, **bad), sip(2)]), 1).tolist() == [[2]]


def test_likelihood_ratio_of_one_track_by_hand():
    signal = np.array([[20.0]] * 9 + [[0.2]])
    background = np.array([[20.0]] + [[0.2]] * 9)
    ratio = ImpactLikelihood(signal, background)
    # With half a jet added to each bin: 9.5 against 1.5, and the other way round.
    found = ratio(np.array([[20.0], [0.2], [NO_TRACK]]))
    assert found == pytest.approx([np.log(9.5 / 1.5), np.log(1.5 / 9.5), 0])


def test_likelihood_tells_tracks_by_their_place():
    rng = np.random.default_rng(0)
    first, second = rng.normal(5, 1, 500), rng.normal(0, 1, 500)
    ratio = ImpactLikelihood(np.stack([first, first], 1), np.stack([first, second], 1))
    assert ratio(np.array([[5.0, 5.0]])) > 2
    assert abs(ratio(np.array([[5.0, NO_TRACK]]))[0]) < 1.0


def test_subjettiness_puts_jets_within_the_window_first():
    columns = {
        "msoftdrop": np.array([80.0, 30.0, 170.0, 110.0, 80.0]),
        "tau1": np.array([0.5, 0.5, 0.5, 0.5, 0.0]),
        "tau2": np.array([0.1, 0.1, 0.2, 0.4, 0.0]),
        "tau3": np.array([0.05, 0.05, 0.1, 0.1, 0.0]),
    }
    nothing = Rows(np.zeros((0, 20), np.float16), np.zeros(5, np.int64))
    jets = Jets(nothing, nothing, np.zeros(5, int), columns, np.zeros(5, int), ("qcd",))
    assert boson_subjettiness(jets) == pytest.approx([-0.2, -10.2, -10.4, -0.8, -1])
    assert top_subjettiness(jets) == pytest.approx([-10.5, -10.5, -0.5, -0.25, -11])
