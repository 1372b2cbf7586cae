"""Selection of ghosts and flavours of jets against CMS's rules, one by one."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sonicmini.modules.gen.flavour import GenJetFlavours
from sonicmini.modules.gen.ghosts import Ghosts, flavours, ghosts_of
from tests.modules.gen.events import collection, simulated, trees

PARTONS = (1, 2, 3, 4, 5, 21)


def has(pdg_id, quark):
    digits = f"{abs(pdg_id):04d}"
    return str(quark) in (digits[-3], digits[-4])


def reference(event, partons):
    """Place of each ghost and whether it is a b hadron, a c hadron, a parton."""
    result = []
    for i, p in enumerate(event):
        daughters = [q["pdgId"] for q in event if q["genPartIdxMother"] == i]
        kinds = tuple(
            has(p["pdgId"], quark) and not any(has(d, quark) for d in daughters) for quark in (5, 4)
        )
        if partons == "physics":
            wanted = p["statusFlags"] & 1 << 8 or p["status"] == 23
        else:
            wanted = p["status"] not in (1, 2) and not any(abs(d) in PARTONS for d in daughters)
        kinds += (bool(wanted) and abs(p["pdgId"]) in PARTONS,)
        if any(kinds) and p["pt"] > 0:
            result.append((i, *kinds))
    return result


def check(particles, partons="physics"):
    ghosts = ghosts_of(particles, partons)
    for n, event in enumerate(particles.to_list()):
        here = slice(*ghosts.offsets[n : n + 2])
        expected = reference(event, partons)
        found = zip(ghosts.is_b[here], ghosts.is_c[here], ghosts.is_parton[here], strict=True)
        assert list(found) == [tuple(kinds) for _, *kinds in expected]
        originals = [event[i] for i, *_ in expected]
        assert ghosts.pdg_id[here].tolist() == [p["pdgId"] for p in originals]
        assert ghosts.pt[here].tolist() == [p["pt"] for p in originals]
        for y, p in zip(ghosts.y[here], originals, strict=True):
            slope = p["pt"] * np.sinh(p["eta"]) / np.hypot(p["pt"], p["mass"])
            assert y == pytest.approx(np.arcsinh(slope))
    return ghosts


@pytest.mark.parametrize("partons", ["physics", "algorithmic"])
def test_ghosts_of_simulated_events(partons):
    pruned = simulated()["PrunedGenPart"]
    ghosts = check(pruned, partons)
    assert 2 <= ghosts.is_b.sum() / len(pruned) < 2.3  # of the two top quarks, and some more
    assert ghosts.is_c.sum() / len(pruned) > 2


@given(st.lists(trees(), max_size=3), st.sampled_from(["physics", "algorithmic"]))
def test_ghosts_of_random_events(events, partons):
    check(collection(events), partons)


def test_other_definitions_of_partons_are_refused():
    with pytest.raises(ValueError, match="physics or algorithmic"):
        GenJetFlavours(partons="legacy")


def test_all_heavy_hadrons_of_the_input_are_still_there():
    """Pruning loses none."""
    products = simulated()
    full, pruned = (ghosts_of(products[name]) for name in ("GenPart", "PrunedGenPart"))
    for one, other in ((full.is_b, pruned.is_b), (full.is_c, pruned.is_c)):
        assert full.pt[one].tolist() == pruned.pt[other].tolist()


@pytest.mark.parametrize("pdg_id", [511, -521, 5122, 10511, 20523, 553, 541, 5332])
def test_b_hadrons(pdg_id):
    assert ghosts_of(collection([[{"pdgId": pdg_id, "status": 2}]])).is_b.tolist() == [True]


@pytest.mark.parametrize("pdg_id", [411, -421, 4122, 443, 10431, 4332])
def test_c_hadrons(pdg_id):
    ghosts = ghosts_of(collection([[{"pdgId": pdg_id, "status": 2}]]))
    assert (ghosts.is_b.tolist(), ghosts.is_c.tolist()) == ([False], [True])


def test_only_the_last_of_a_chain_of_heavy_hadrons_counts():
    chain = [
        {"pdgId": 513, "status": 2, "genPartIdxMother": -1},
        {"pdgId": 511, "status": 2, "genPartIdxMother": 0},
        {"pdgId": -413, "status": 2, "genPartIdxMother": 1},
        {"pdgId": -421, "status": 2, "genPartIdxMother": 2},
    ]
    ghosts = ghosts_of(collection([chain]))
    assert ghosts.pdg_id[ghosts.is_b].tolist() == [511]
    assert ghosts.pdg_id[ghosts.is_c].tolist() == [-421]


def reference_flavours(inside):
    """Flavours of a jet from pairs of pT, identity and kind, hardest parton first."""
    kinds = [kind for _, _, kind in inside]
    hadron = 5 if "b" in kinds else 4 if "c" in kinds else 0
    partons = sorted((p for p in inside if p[2] == "parton"), reverse=True)
    hardest = flavour = None
    for _, pdg_id, _ in partons:
        hardest = hardest or pdg_id
        if flavour is None and abs(pdg_id) == 4:
            flavour = pdg_id
        if abs(pdg_id) == 5 and (flavour is None or abs(flavour) != 5):
            flavour = pdg_id
    return hadron, flavour or hardest or 0, kinds.count("b"), kinds.count("c")


@given(
    st.lists(
        st.tuples(
            st.integers(-1, 3),
            st.floats(0.1, 100),
            st.sampled_from([1, -2, 3, 4, -4, 5, -5, 21]),
            st.sampled_from(["b", "c", "parton"]),
        ),
        unique_by=lambda g: g[1],
    )
)
def test_flavours_of_jets(rows):
    n = len(rows)
    kinds = np.array([row[3] for row in rows], dtype="U6")
    ghosts = Ghosts(
        pt=np.array([row[1] for row in rows], dtype=np.float64),
        y=np.zeros(n),
        phi=np.zeros(n),
        pdg_id=np.array([row[2] for row in rows], dtype=np.int64),
        is_b=kinds == "b",
        is_c=kinds == "c",
        is_parton=kinds == "parton",
        offsets=np.array([0, n]),
    )
    jet = np.array([row[0] for row in rows], dtype=np.int64)
    found = flavours(ghosts, jet, 4)
    names = ("hadronFlavour", "partonFlavour", "nBHadrons", "nCHadrons")
    for j in range(4):
        expected = reference_flavours([row[1:] for row in rows if row[0] == j])
        assert tuple(int(found[name][j]) for name in names) == expected
