"""Pruning against CMS's rules, read one by one and applied to one particle after the other."""

import awkward as ak
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sonicmini.modules.gen.pruned import PrunedGenParticles, mothers_of, nearest_kept_ancestor
from tests.modules.gen.events import collection, run, simulated, trees

QUARKONIA = [
    *(333, 9920443, 9042413, 9000443, 443, 100443, 10441, 20443, 445, 30443),
    *(553, 100553, 200553, 10551, 20553, 555),
]
EXCITED = [
    *(10411, 10421, 10413, 10423, 20413, 20423, 10431, 10433, 20433),
    *(10511, 10521, 10513, 10523, 20513, 20523, 10531, 10533, 20533, 10541, 10543, 20543),
]


class Particle:
    """A particle with the questions that CMS's cuts ask."""

    def __init__(self, record):
        self.pt, self.eta, self.status = record["pt"], record["eta"], record["status"]
        self.pdg_id, self.id = record["pdgId"], abs(record["pdgId"])
        self.mother, self.daughters = record["genPartIdxMother"], []
        self.bits = f"{record['statusFlags']:015b}"[::-1]

    def flag(self, bit):
        return self.bits[bit] == "1"

    def heavy_hadron(self):
        return 400 < self.id < 600 or 4000 < self.id < 6000

    def hard(self):
        final = self.status == 1 and self.flag(8)
        decayed = self.flag(1) and self.flag(8)
        return self.flag(7) or final or decayed or self.flag(11) or (self.flag(8) and self.flag(13))


CMS_RULES = [
    ("drop", lambda p: True),
    ("++keep", lambda p: p.id in (11, 13, 15)),
    ("drop", lambda p: p.status == 2),
    ("keep++", Particle.heavy_hadron),
    ("drop", lambda p: p.status == 1),
    ("keep+", Particle.heavy_hadron),
    ("keep", lambda p: p.id in (11, 13, 15)),
    ("keep", lambda p: p.id in (12, 14, 16)),
    ("+keep", lambda p: p.pdg_id == 22 and p.status == 1 and (p.pt > 10 or p.flag(0))),
    ("+keep", lambda p: p.id == 11 and p.status == 1 and (p.pt > 3 or p.flag(0))),
    ("keep++", lambda p: p.id == 15),
    ("drop", lambda p: 30 < p.status < 70),
    ("drop", lambda p: p.pdg_id == 21 and p.pt < 5),
    ("drop", lambda p: p.status == 2 and p.id == 21),
    ("keep", lambda p: p.id in (23, 24, 25, 6, 37)),
    ("keep", lambda p: p.id == 310 and abs(p.eta) < 2.5 and p.pt > 1),
    ("+keep", lambda p: p.id == 13 and p.status == 1),
    ("keep", lambda p: 4 <= p.id <= 5),
    (
        "keep",
        lambda p: (1 <= p.id <= 3 or p.pdg_id == 21) and p.status in (2, 11, 71, 72) and p.pt > 5,
    ),
    ("keep+", lambda p: p.id in QUARKONIA),
    ("keep", lambda p: p.id in EXCITED),
    ("keep", lambda p: 1000001 <= p.id <= 1000039 or 2000001 <= p.id <= 2000015),
    ("keep", lambda p: p.pdg_id == 2212),
    ("keep", lambda p: p.status == 3 or 21 <= p.status <= 29 or 11 <= p.status <= 19),
    ("keep", Particle.hard),
]


def flag_mothers(particles, i, verdict, kept, deep):
    mother = particles[i].mother
    if mother >= 0:
        kept[mother] = verdict
        if deep:
            flag_mothers(particles, mother, verdict, kept, deep)


def flag_daughters(particles, i, verdict, kept, deep):
    for daughter in particles[i].daughters:
        kept[daughter] = verdict
        if deep:
            flag_daughters(particles, daughter, verdict, kept, deep)


def reference(event):
    """Kept particles of an event and the kept mother of each, both as places in the event."""
    particles = [Particle(record) for record in event]
    for i, particle in enumerate(particles):
        if particle.mother >= 0:
            particles[particle.mother].daughters.append(i)
    kept = [False] * len(particles)
    for action, cut in CMS_RULES:
        verdict = "keep" in action
        for i, particle in enumerate(particles):
            if cut(particle):
                kept[i] = verdict
                if action.startswith("+"):
                    flag_mothers(particles, i, verdict, kept, action.startswith("++"))
                if action.endswith("+"):
                    flag_daughters(particles, i, verdict, kept, action.endswith("++"))
    index = [i for i, keep in enumerate(kept) if keep]
    mothers = []
    for i in index:
        mother = particles[i].mother
        while mother >= 0 and not kept[mother]:
            mother = particles[mother].mother
        mothers.append(mother)
    return index, mothers


def check(particles, pruned):
    for event, kept in zip(particles.to_list(), pruned.to_list(), strict=True):
        index, mothers = reference(event)
        assert [p["genPartIdx"] for p in kept] == index
        place = {old: new for new, old in enumerate(index)} | {-1: -1}
        assert [p["genPartIdxMother"] for p in kept] == [place[m] for m in mothers]
        for p, old in zip(kept, index, strict=True):
            same = {name: p[name] for name in event[old] if name != "genPartIdxMother"}
            assert same == {name: event[old][name] for name in same}


@pytest.mark.parametrize("sample", ["ttbar", "ztautau"])
def test_simulated_events_are_pruned_by_the_rules(sample):
    products = simulated(sample)
    check(products["GenPart"], products["PrunedGenPart"])
    assert ak.mean(ak.num(products["PrunedGenPart"])) < 0.2 * ak.mean(ak.num(products["GenPart"]))


@given(st.lists(trees(), max_size=3))
def test_random_events_are_pruned_by_the_rules(events):
    particles = collection(events)
    check(particles, run(PrunedGenParticles(), {"GenPart": particles})["PrunedGenPart"])


@given(st.lists(trees(), min_size=1, max_size=4))
def test_events_do_not_depend_on_their_neighbours(events):
    together = run(PrunedGenParticles(), {"GenPart": collection(events)})["PrunedGenPart"]
    for event, pruned in zip(events, together.to_list(), strict=True):
        alone = run(PrunedGenParticles(), {"GenPart": collection([event])})["PrunedGenPart"]
        assert alone.to_list() == [pruned]


@pytest.mark.parametrize("sample", ["ttbar", "ztautau"])
def test_chains_of_mothers_go_upwards_and_end(sample):
    mother = simulated(sample)["PrunedGenPart"].genPartIdxMother
    assert ak.all(mother < ak.local_index(mother))
    assert ak.all(mother >= -1)


def test_what_analyses_look_for_is_kept():
    """Every top decay of every event down to the quarks and leptons."""
    for event in simulated()["PrunedGenPart"].to_list():
        ids = [p["pdgId"] for p in event]
        w_bosons = [p for p in event if abs(p["pdgId"]) == 24]
        assert {6, -6, 24, -24, 5, -5} <= set(ids)
        last = [p for p in w_bosons if p["statusFlags"] & 1 << 13]
        for boson in last:
            place = event.index(boson)
            daughters = [p for p in event if p["genPartIdxMother"] == place]
            assert len([p for p in daughters if abs(p["pdgId"]) <= 16]) >= 2


@pytest.mark.parametrize("n", [0, 2])
def test_chunks_without_events_and_events_without_particles(n):
    pruned = run(PrunedGenParticles(), {"GenPart": collection([[] for _ in range(n)])})
    assert ak.num(pruned["PrunedGenPart"]).to_list() == [0] * n
    assert "genPartIdxMother" in pruned["PrunedGenPart"].fields


def test_nearest_kept_ancestor_by_hand():
    mother = np.array([-1, 0, 1, 1, 3, -1])
    kept = np.array([True, False, True, False, False, False])
    assert nearest_kept_ancestor(mother, kept).tolist() == [-1, 0, 0, 0, 0, -1]


def test_mothers_are_counted_over_all_events():
    particles = collection([[{}, {"genPartIdxMother": 0}], [], [{}, {"genPartIdxMother": 0}]])
    assert mothers_of(particles).tolist() == [-1, 0, -1, 2]
