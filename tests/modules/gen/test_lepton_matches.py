"""Matches of leptons and photons: decays made by hand, and NanoAOD's rules one by one."""

import awkward as ak
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sonicmini.io.root_source import RootSource
from sonicmini.modules.gen.lepton_matches import (
    ElectronGenMatch,
    MuonGenMatch,
    PhotonGenMatch,
    TauGenMatch,
    origins,
)
from sonicmini.modules.gen.vis_taus import GenVisTaus
from tests.modules.gen.events import SAMPLES, collection, run, simulated, trees

PROMPT, FROM_TAU = 1 << 0, 1 << 5


def objects(*events):
    rows = [
        [dict(zip(("pt", "eta", "phi"), row, strict=True)) for row in event] for event in events
    ]
    counts = [len(event) for event in rows]
    flat = [row for event in rows for row in event]
    columns = {name: np.array([row[name] for row in flat]) for name in ("pt", "eta", "phi")}
    return ak.unflatten(ak.zip(columns), np.array(counts, dtype=np.int64))


def matched(module, particles, *, pt=20.0):
    """The match of an object in the direction of all particles of an event."""
    products = {"PrunedGenPart": collection([particles]), module.name: objects([(pt, 0.0, 0.0)])}
    products |= run(GenVisTaus(), products)
    (product,) = run(module, products).values()
    return product[0, 0].to_list()


def lepton(pdg_id, flags=0, mother=-1, pt=20.0):
    return {"pdgId": pdg_id, "pt": pt, "statusFlags": flags, "genPartIdxMother": mother}


def decayed(pdg_id, mother=-1, status=2):
    return {"pdgId": pdg_id, "status": status, "pt": 50.0, "genPartIdxMother": mother}


@pytest.mark.parametrize(
    ("ancestors", "flags", "flavour"),
    [
        ([], PROMPT, 1),
        ([decayed(15)], FROM_TAU, 15),
        ([decayed(511)], 0, 5),
        ([decayed(411)], 0, 4),
        ([decayed(511), decayed(-421, 0)], 0, 5),
        ([decayed(211)], 0, 3),
        ([], 0, 3),
        ([decayed(5, status=23), decayed(411, 0)], 0, 5),
        ([decayed(5, status=23), decayed(4, 0, status=71), decayed(411, 1)], 0, 4),
        ([decayed(511), decayed(15, 0)], 0, 5),
        ([decayed(5122)], 0, 5),
        ([decayed(4122)], 0, 4),
    ],
)
@pytest.mark.parametrize(("module", "pdg_id"), [(MuonGenMatch(), 13), (ElectronGenMatch(), -11)])
def test_where_leptons_come_from(module, pdg_id, ancestors, flags, flavour):
    particles = [*ancestors, lepton(pdg_id, flags, len(ancestors) - 1)]
    found = matched(module, particles)
    assert found == {"genPartIdx": len(ancestors), "genPartFlav": flavour}


@pytest.mark.parametrize(
    ("module", "particle", "flavour"),
    [
        (ElectronGenMatch(), lepton(22, PROMPT), 22),
        (ElectronGenMatch(), lepton(22), 3),
        (PhotonGenMatch(), lepton(22, PROMPT), 1),
        (PhotonGenMatch(), lepton(22), 0),
        (PhotonGenMatch(), lepton(11, PROMPT), 11),
        (PhotonGenMatch(), lepton(-11, FROM_TAU), 11),
        (PhotonGenMatch(), lepton(11), 0),
        (TauGenMatch(), lepton(11, PROMPT), 1),
        (TauGenMatch(), lepton(-13, PROMPT), 2),
        (TauGenMatch(), lepton(11, FROM_TAU), 3),
        (TauGenMatch(), lepton(13, FROM_TAU), 4),
        (TauGenMatch(), lepton(13), 0),
    ],
)
def test_what_kind_it_is(module, particle, flavour):
    found = matched(module, [particle])
    assert (found["genPartIdx"], found["genPartFlav"]) == (0, flavour)


@pytest.mark.parametrize(
    "particle",
    [
        lepton(211, PROMPT),
        lepton(13, PROMPT) | {"eta": 0.31},
        lepton(13, PROMPT) | {"status": 2},
        lepton(13, PROMPT, pt=13.0),
        lepton(13, PROMPT, pt=41.0),
    ],
)
def test_others_are_not_matched(particle):
    assert matched(MuonGenMatch(), [particle]) == {"genPartIdx": -1, "genPartFlav": 0}


def test_no_particle_is_matched_twice():
    particles = [[lepton(13, PROMPT), lepton(-13, FROM_TAU) | {"eta": 0.2}]]
    muons = objects([(20.0, 0.15, 0.0), (20.0, 0.05, 0.0), (20.0, 0.1, 0.0)])
    products = {"PrunedGenPart": collection(particles), "SlimmedMuon": muons}
    match = run(MuonGenMatch(), products)["MuonGenMatch"]
    assert match.genPartIdx.to_list() == [[1, 0, -1]]
    assert match.genPartFlav.to_list() == [[15, 1, 0]]


def test_hadronic_taus():
    particles = [
        decayed(23),
        decayed(15, 0),
        lepton(16, mother=1),
        lepton(-211, mother=1),
        lepton(11, PROMPT) | {"eta": 0.2},
    ]
    found = matched(TauGenMatch(), particles)
    assert found == {"genPartIdx": 4, "genPartFlav": 1, "genVisTauIdx": 0}
    found = matched(TauGenMatch(), particles[:-1])
    assert found == {"genPartIdx": 1, "genPartFlav": 5, "genVisTauIdx": 0}
    found = matched(TauGenMatch(), particles[:-1], pt=39.0)
    assert found["genPartFlav"] == 5
    found = matched(TauGenMatch(), particles[:-1], pt=41.0)
    assert found == {"genPartIdx": -1, "genPartFlav": 0, "genVisTauIdx": -1}


def recursive_origin(event, i):
    """NanoAOD's ``getParentHadronFlag``."""
    mother = event[i]["genPartIdxMother"]
    if mother < 0:
        return 3
    code = abs(event[mother]["pdgId"])
    if 5 in (code, code // 100, code // 1000):
        return 5
    above = recursive_origin(event, mother) if event[mother]["status"] == 2 else 3
    charm = 4 in (code, code // 100, code // 1000)
    return 5 if above == 5 else 4 if charm or above == 4 else 3


@given(trees())
def test_origins(event):
    columns = {
        name: np.array([p[name] for p in event], dtype=np.int64)
        for name in ("pdgId", "status", "genPartIdxMother")
    }
    place = np.arange(len(event))
    kind, mother = np.abs(columns["pdgId"]), columns["genPartIdxMother"]
    found = origins(place, kind, columns["status"], mother)
    assert found.tolist() == [recursive_origin(event, i) for i in range(len(event))]


@settings(max_examples=20)
@given(st.lists(trees(), min_size=1, max_size=3), st.integers(0, 2**32 - 1))
def test_events_do_not_depend_on_their_neighbours(events, seed):
    rng = np.random.default_rng(seed)
    low, high = (1, -1, -1), (40, 1, 1)
    reco = [rng.uniform(low, high, (rng.integers(0, 5), 3)).tolist() for _ in events]
    for module in (MuonGenMatch(), ElectronGenMatch(), PhotonGenMatch(), TauGenMatch()):

        def result(events, reco, module=module):
            products = {"PrunedGenPart": collection(events), module.name: objects(*reco)}
            products |= run(GenVisTaus(), products)
            (product,) = run(module, products).values()
            return product.to_list()

        alone = [result([event], [one])[0] for event, one in zip(events, reco, strict=True)]
        assert result(events, reco) == alone


def test_simulated_leptons_are_what_they_seem():
    source = RootSource([SAMPLES / "ttbar.root"], ["Muon", "Electron"], max_events=40)
    (chunk,) = source.chunks()
    products = simulated() | {f"Slimmed{k}": chunk.products[k] for k in ("Muon", "Electron")}
    for module, pdg_id in ((MuonGenMatch(), 13), (ElectronGenMatch(), 11)):
        (match,) = run(module, products).values()
        hard = products[module.name].pt > 20
        found = match[hard & (match.genPartIdx >= 0)]
        assert len(ak.flatten(found)) > 0.6 * ak.sum(hard)
        prompt = found.genPartIdx[found.genPartFlav == 1]
        particle = products["PrunedGenPart"][prompt]
        assert set(ak.flatten(abs(particle.pdgId))) == {pdg_id}
        assert len(ak.flatten(prompt)) > 0


def test_chunks_without_events():
    for module in (MuonGenMatch(), ElectronGenMatch(), PhotonGenMatch(), TauGenMatch()):
        products = {"PrunedGenPart": collection([]), module.name: objects()}
        products |= run(GenVisTaus(), products)
        (product,) = run(module, products).values()
        assert product.to_list() == []
