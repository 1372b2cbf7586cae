"""PUPPI against a literal implementation, one candidate at a time."""

import math

import awkward as ak
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import chi2

from sonicmini.modules.puppi.inputs import (
    DEFAULT_TUNE,
    LEPTON,
    NEUTRAL,
    PILEUP,
    PRIMARY,
    PuppiInputs,
    PuppiTune,
    puppi_labels,
)
from sonicmini.modules.puppi.puppi import Puppi, good_vertices
from sonicmini.modules.puppi.weights import puppi_alpha, puppi_weights
from sonicmini.modules.vertexing.primary import PrimaryVertexAssociation, PrimaryVertexSorting
from tests.toys import toy_products

EVENTS = {"offsets": np.array([0, 1]), "n_vertices": np.array([1])}
NONE = np.zeros(0, dtype=np.int64)
REGIONS = ((0.0, 2.5), (2.5, 3.0), (3.0, 10.0))


def reference_alpha(event, labels, i, *, charged_only, cone=0.4):
    def rapidity(j):
        energy = math.hypot(event.mass[j], event.pt[j] * math.cosh(event.eta[j]))
        pz = event.pt[j] * math.sinh(event.eta[j])
        return 0.5 * math.log((energy + pz) / (energy - pz))

    total = 0.0
    for j in range(len(event.pt)):
        if charged_only and labels[j] != PRIMARY:
            continue
        dphi = math.remainder(event.phi[i] - event.phi[j], 2 * math.pi)
        if math.hypot(rapidity(i) - rapidity(j), dphi) >= cone:
            continue
        dr2 = (event.eta[i] - event.eta[j]) ** 2 + dphi**2
        if dr2 >= 1e-4:
            total += event.pt[j] ** 2 / dr2
    return math.log(total) if total != 0 else 0.0


def reference_shape(event, labels, *, charged_only, pt_min):
    pileup, primary = [], []
    for i in range(len(event.pt)):
        if 0 < abs(event.eta[i]) < 2.0 and event.pt[i] >= pt_min:
            if labels[i] == PILEUP:
                pileup.append(reference_alpha(event, labels, i, charged_only=charged_only))
            elif labels[i] == PRIMARY:
                primary.append(reference_alpha(event, labels, i, charged_only=charged_only))
    if not pileup:
        return None
    pileup.sort()
    zero = max((k for k, a in enumerate(pileup) if a == 0), default=0)
    median = pileup[zero + int(0.5 * (len(pileup) - zero))]
    left = [(a - median) ** 2 for a in pileup if a != 0 and a <= median]
    variance = sum(left) / len(left) if left else 0.0
    rms = math.sqrt(variance or 1e-5)
    n_primary = sum(a <= median for a in primary)
    fraction = n_primary / (n_primary + 0.5 * len(pileup))
    if fraction > 0:
        shift = math.sqrt(chi2.ppf(fraction, 1) * rms)
        median, rms = median - shift, rms - shift
    return median, rms


def reference_weights(event, labels, n_vertices, tune):
    shapes = [
        reference_shape(event, labels, charged_only=True, pt_min=0.1),
        reference_shape(event, labels, charged_only=False, pt_min=0.5),
    ]
    weights = []
    for i in range(len(event.pt)):
        region = next((r for r, (a, b) in enumerate(REGIONS) if a < abs(event.eta[i]) < b), None)
        if labels[i] == LEPTON:
            weights.append(1.0)
            continue
        if region is None or labels[i] == PILEUP:
            weights.append(0.0)
            continue
        if labels[i] == PRIMARY:
            weights.append(1.0)
            continue
        shape = shapes[min(region, 1)]
        weight = 1.0
        if shape is not None:
            median = shape[0] * (1.0, 0.90, 0.75)[region]
            rms = shape[1] * (1.0, 1.20, 0.95)[region]
            alpha = reference_alpha(event, labels, i, charged_only=region == 0)
            alpha = median if alpha == 0 else alpha
            weight = chi2.cdf((alpha - median) * abs(alpha - median) / rms**2, 1)
            if not math.isfinite(weight):
                weight = 0.0
        least = (0.2, 1.7, 2.0)[region] + (0.015, 0.08, 0.08)[region] * n_vertices
        if weight * event.pt[i] < least:
            weight = 0.0
        if (
            tune.photon_protection > 0
            and event.pdg_id[i] == 22
            and abs(event.eta[i]) < 2.5
            and event.pt[i] > tune.photon_protection
        ):
            weight = 1.0
        else:
            weight = max(weight, min((event.pt[i] - 20) / (200 - 20), 1.0))
        weights.append(weight if weight >= 0.01 else 0.0)
    return np.array(weights)


def toy(rng, n, *, n_signal=40):
    """Candidates of one event: a few jets of PV 0 over uniform pileup."""
    charged = rng.random(n) < 0.5
    signal = np.arange(n) < n_signal
    axes = rng.uniform((-2.4, -math.pi), (2.4, math.pi), (3, 2))
    where = axes[rng.integers(0, 3, n)] + rng.normal(0, 0.4, (n, 2))
    eta = np.where(signal, where[:, 0], rng.uniform(-5, 5, n))
    eta = np.where(charged & (np.abs(eta) > 2.5), eta / 2.2, eta)
    phi = np.where(signal, where[:, 1], rng.uniform(-math.pi, math.pi, n))
    phi = (phi + math.pi) % (2 * math.pi) - math.pi
    pt = rng.exponential(np.where(signal, 15.0, 0.8)) + 0.2
    sign = rng.choice([-1, 1], n)
    hadron = np.where(np.abs(eta) > 3, rng.choice([1, 2], n), rng.choice([22, 130], n))
    pdg_id = np.where(charged, sign * rng.choice([211, 211, 211, 11, 13], n), hadron)
    mass = np.where(charged | (pdg_id == 130), 0.14, 0.0)
    from_pv = np.where(signal, rng.choice([3, 3, 2], n), rng.choice([0, 0, 0, 1, 2], n))
    dz = np.where(signal, 0.0, rng.normal(0, 4, n))
    return PuppiInputs(
        pt, eta, phi, mass, pdg_id, np.where(charged, sign, 0), from_pv, dz, NONE, NONE
    )


def weigh(events, n_vertices, tune=DEFAULT_TUNE, *, no_lep=False):
    offsets = np.concatenate([[0], np.cumsum([len(event.pt) for event in events])])
    columns = [np.concatenate(column) for column in zip(*events, strict=True)]
    inputs = PuppiInputs(*columns)._replace(offsets=offsets, n_vertices=np.asarray(n_vertices))
    labels = puppi_labels(inputs, no_lep=no_lep)
    plain = puppi_labels(inputs)
    central = puppi_alpha(inputs, labels, tune, forward=False)
    forward = puppi_alpha(inputs, plain, tune, forward=True)
    return np.split(puppi_weights(inputs, labels, (central, forward), tune), offsets[1:-1])


@pytest.mark.parametrize("no_lep", [False, True])
@pytest.mark.parametrize("seed", range(4))
def test_equals_literal_implementation(seed, no_lep):
    rng = np.random.default_rng(seed)
    events = [toy(rng, n) for n in (300, 0, 1, 120)]
    tune = PuppiTune(photon_protection=20.0 if no_lep else 0.0)
    n_vertices = [2, 0, 1, 25]
    weights = weigh(events, n_vertices, tune, no_lep=no_lep)
    for event, n, values in zip(events, n_vertices, weights, strict=True):
        expected = reference_weights(event, puppi_labels(event, no_lep=no_lep), n, tune)
        np.testing.assert_allclose(values, expected, atol=1e-6, rtol=0)
    assert np.sum((weights[0] > 0) & (weights[0] < 1)) > 0


@settings(max_examples=60, deadline=None)
@given(
    seed=st.integers(0, 2**32 - 1),
    n=st.integers(0, 60),
    n_signal=st.integers(0, 60),
    n_vertices=st.integers(0, 50),
)
def test_equals_literal_implementation_of_any_small_event(seed, n, n_signal, n_vertices):
    event = toy(np.random.default_rng(seed), n, n_signal=n_signal)
    expected = reference_weights(event, puppi_labels(event), n_vertices, PuppiTune())
    np.testing.assert_allclose(weigh([event], [n_vertices])[0], expected, atol=1e-6, rtol=0)


def test_neighbours_across_the_seam_in_azimuth_count():
    def weight(phi):
        event = PuppiInputs(
            pt=np.array([50.0, 5.0, 1.0, 1.0, 1.0]),
            eta=np.array([1.0, 1.1, -1.0, -1.2, -1.3]),
            phi=np.array([phi, -phi, 0.0, 0.1, 0.2]),
            mass=np.zeros(5),
            pdg_id=np.array([211, 130, 211, 211, 211]),
            charge=np.array([1, 0, 1, 1, 1]),
            from_pv=np.array([3, 3, 0, 0, 0]),
            dz=np.zeros(5),
            offsets=NONE,
            n_vertices=NONE,
        )
        return weigh([event], [4])[0][1]

    assert weight(math.pi - 0.05) == pytest.approx(weight(0.05), abs=1e-9)
    assert weight(0.05) > 0.9
    assert weight(0.5) < 0.1


def test_permutation_of_candidates_permutes_weights():
    rng = np.random.default_rng(7)
    event = toy(rng, 400)
    order = rng.permutation(400)
    shuffled = PuppiInputs(*(column[order] if len(column) else column for column in event))
    np.testing.assert_allclose(weigh([shuffled], [9])[0], weigh([event], [9])[0][order], atol=1e-9)


def test_other_events_of_the_chunk_do_not_matter():
    rng = np.random.default_rng(8)
    events = [toy(rng, n) for n in (100, 0, 350, 1)]
    together = weigh(events, [3, 0, 20, 1])
    for event, n, weights in zip(events, [3, 0, 20, 1], together, strict=True):
        assert np.array_equal(weigh([event], [n])[0], weights)


def test_without_pileup_tracks_neutral_candidates_keep_their_weight():
    event = toy(np.random.default_rng(9), 80, n_signal=80)
    weights = weigh([event._replace(from_pv=np.full(80, 3))], [0])[0]
    inside = np.abs(event.eta) < 2.5
    assert np.all(weights[inside & (event.pt > 0.2)] == 1.0)


@pytest.mark.parametrize(
    ("fields", "label"),
    [
        ({"charge": 0, "from_pv": 3, "pt": 5.0}, NEUTRAL),
        ({"from_pv": 0, "pt": 50.0}, PILEUP),
        ({"from_pv": 3, "dz": 9.0}, PRIMARY),
        ({"from_pv": 1, "pt": 20.5, "dz": 9.0}, PRIMARY),
        ({"from_pv": 2, "pt": 19.5}, NEUTRAL),
        ({"from_pv": 1, "eta": -2.45, "dz": 0.29}, PRIMARY),
        ({"from_pv": 1, "eta": -2.45, "dz": 0.31}, NEUTRAL),
        ({"from_pv": 2, "eta": 2.35, "dz": 0.29}, NEUTRAL),
    ],
)
def test_labels(fields, label):
    common = {"pt": 1.0, "eta": 0.5, "phi": 0.0, "mass": 0.1, "pdg_id": 13, "charge": 1, "dz": 0.0}
    one = PuppiInputs(
        **{name: np.array([value]) for name, value in (common | fields).items()}, **EVENTS
    )
    assert puppi_labels(one)[0] == label
    assert puppi_labels(one, no_lep=True)[0] == (LEPTON if one.charge[0] else NEUTRAL)


def test_module_takes_leptons_apart_and_counts_good_vertices():
    products = toy_products(3, 5, candidates=[500, 300, 0], vertices=[9, 4, 2])
    for module in (PrimaryVertexSorting(), PrimaryVertexAssociation(), Puppi()):
        products |= module.produce({name: products[name] for name in module.consumes})
    weights, candidates = products["PuppiWeight"], products["PFCand"]
    lepton = (abs(candidates.pdgId) == 11) | (abs(candidates.pdgId) == 13)
    assert ak.all(weights.weightNoLep[lepton] == 1)
    assert not ak.all(weights.weight[lepton] == 1)
    photon = (candidates.pdgId == 22) & (candidates.pt > 20) & (abs(candidates.eta) < 2.5)
    assert ak.all(weights.weightNoLep[photon] == 1)

    vertices = ak.Array(
        [[(False, 4.0, 24.0), (True, 9.0, 0.0), (False, 3.9, 0.0), (False, 5.0, -24.1)], []]
    )
    vertices = ak.zip({"isFake": vertices["0"], "ndof": vertices["1"], "z": vertices["2"]})
    assert good_vertices(vertices).tolist() == [1, 0]


@pytest.mark.parametrize("cone", [0.0, 1.5])
def test_cone_beyond_the_grid_is_refused(cone):
    with pytest.raises(ValueError, match="cone"):
        Puppi(tune=PuppiTune(cone=cone))
