import numpy as np
import pytest

from sonicmini.simulation import genflags
from sonicmini.simulation.genflags import ROW, annotate
from sonicmini.simulation.pdgid import is_hadron

BITS = (
    "isPrompt",
    "isDecayedLeptonHadron",
    "isTauDecayProduct",
    "isPromptTauDecayProduct",
    "isDirectTauDecayProduct",
    "isDirectPromptTauDecayProduct",
    "isDirectHadronDecayProduct",
    "isHardProcess",
    "fromHardProcess",
    "isHardProcessTauDecayProduct",
    "isDirectHardProcessTauDecayProduct",
    "fromHardProcessBeforeFSR",
    "isFirstCopy",
    "isLastCopy",
    "isLastCopyBeforeFSR",
)
ALL_TAU = set(BITS[2:6]) | set(BITS[9:11])
ONLY_COPY = set(BITS[12:15])


def event(*rows):
    """Rows of PDG code, Pythia's status, mothers, daughters; annotated."""
    made = np.zeros(len(rows) + 1, dtype=ROW)
    for index, (pdg_id, status, mothers, daughters) in enumerate(rows, start=1):
        made[index] = (pdg_id, status, *mothers, *daughters, 0.0, 0, 0)
    annotate(made)
    return made


def flags(made, row):
    return {name for bit, name in enumerate(BITS) if made["flags"][row] >> bit & 1}


@pytest.fixture(scope="module")
def ztautau():
    """Z to two taus, one radiates a photon; it decays to a rho, the other to a muon."""
    return event(
        (1, -21, (0, 0), (3, 0)),  # 1
        (-1, -21, (0, 0), (3, 0)),  # 2
        (23, -22, (1, 2), (4, 4)),  # 3
        (23, -62, (3, 3), (5, 6)),  # 4
        (15, -23, (4, 0), (7, 8)),  # 5
        (-15, -23, (4, 0), (12, 14)),  # 6
        (15, -51, (5, 0), (9, 10)),  # 7
        (22, 51, (5, 0), (0, 0)),  # 8
        (16, 91, (7, 0), (0, 0)),  # 9
        (-213, -91, (7, 0), (11, 15)),  # 10
        (-211, 91, (10, 0), (0, 0)),  # 11
        (-16, 91, (6, 0), (0, 0)),  # 12
        (-13, 91, (6, 0), (0, 0)),  # 13
        (14, 91, (6, 0), (0, 0)),  # 14
        (111, -91, (10, 0), (16, 17)),  # 15
        (22, 91, (15, 0), (0, 0)),  # 16
        (22, 91, (15, 0), (0, 0)),  # 17
    )


def test_incoming_partons(ztautau):
    # Both quarks are mothers of the Z only: neither has a copy.
    expected = {"isPrompt", "isHardProcess", "fromHardProcess", "fromHardProcessBeforeFSR"}
    assert flags(ztautau, 1) == expected | ONLY_COPY


def test_resonance(ztautau):
    hard = {"isPrompt", "isHardProcess", "fromHardProcess"}
    assert flags(ztautau, 3) == hard | {"isFirstCopy"}
    last = {"isLastCopy", "isLastCopyBeforeFSR", "fromHardProcessBeforeFSR"}
    assert flags(ztautau, 4) == (hard | last) - {"isHardProcess"}


def test_radiating_tau(ztautau):
    hard = {"isPrompt", "isHardProcess", "fromHardProcess"}
    before = {"isFirstCopy", "isLastCopyBeforeFSR", "fromHardProcessBeforeFSR"}
    assert flags(ztautau, 5) == hard | before
    assert flags(ztautau, 7) == {
        "isPrompt",
        "isDecayedLeptonHadron",
        "fromHardProcess",
        "isLastCopy",
    }
    assert flags(ztautau, 8) == {"isPrompt"} | ONLY_COPY


def test_tau_decay_products(ztautau):
    assert ztautau["status"][6] == 2
    assert flags(ztautau, 9) == ALL_TAU | ONLY_COPY
    assert flags(ztautau, 13) == ALL_TAU | ONLY_COPY
    assert flags(ztautau, 10) == ALL_TAU | ONLY_COPY | {"isDecayedLeptonHadron"}


def test_indirect_tau_decay_products(ztautau):
    indirect = {name for name in ALL_TAU if "Direct" not in name}
    hadronic = indirect | ONLY_COPY | {"isDirectHadronDecayProduct"}
    assert flags(ztautau, 11) == hadronic
    # The daughters of the pi0 are photons: the pi0 counts as last before FSR all the same.
    assert flags(ztautau, 15) == hadronic | {"isDecayedLeptonHadron"}
    assert flags(ztautau, 16) == hadronic


@pytest.fixture(scope="module")
def top():
    """A top that recoils, its W to e nu without radiation, b with a gluon, B to D to mu nu."""
    return event(
        (21, -21, (0, 0), (2, 2)),  # 1
        (6, -22, (1, 0), (3, 3)),  # 2
        (6, -44, (2, 2), (4, 4)),  # 3
        (6, -62, (3, 3), (5, 6)),  # 4
        (24, -22, (4, 0), (7, 8)),  # 5
        (5, -23, (4, 0), (9, 10)),  # 6
        (-11, 23, (5, 0), (0, 0)),  # 7
        (12, 23, (5, 0), (0, 0)),  # 8
        (5, -51, (6, 0), (11, 11)),  # 9
        (21, -51, (6, 0), (12, 12)),  # 10
        (5, -71, (9, 9), (13, 14)),  # 11
        (21, -71, (10, 10), (13, 14)),  # 12
        (-521, -83, (11, 12), (15, 17)),  # 13
        (211, 84, (11, 12), (0, 0)),  # 14
        (421, -91, (13, 0), (18, 20)),  # 15
        (15, -91, (13, 0), (21, 22)),  # 16
        (-16, 91, (13, 0), (0, 0)),  # 17
        (-321, 91, (15, 0), (0, 0)),  # 18
        (-13, 91, (15, 0), (0, 0)),  # 19
        (14, 91, (15, 0), (0, 0)),  # 20
        (16, 91, (16, 0), (0, 0)),  # 21
        (-211, 91, (16, 0), (0, 0)),  # 22
    )


def test_copies_of_the_top(top):
    hard = {"isPrompt", "fromHardProcess"}
    assert flags(top, 2) == hard | {"isHardProcess", "isFirstCopy"}
    assert flags(top, 3) == hard
    last = {"isLastCopy", "isLastCopyBeforeFSR", "fromHardProcessBeforeFSR"}
    assert flags(top, 4) == hard | last


def test_b_quark_before_and_after_fsr(top):
    hard = {"isPrompt", "fromHardProcess"}
    before = {"isHardProcess", "isFirstCopy", "isLastCopyBeforeFSR", "fromHardProcessBeforeFSR"}
    assert flags(top, 6) == hard | before
    assert flags(top, 9) == hard
    assert flags(top, 11) == hard | {"isLastCopy"}


def test_prompt_electron(top):
    hard = {"isPrompt", "isHardProcess", "fromHardProcess", "fromHardProcessBeforeFSR"}
    assert flags(top, 7) == ONLY_COPY | hard


def test_hadrons_and_their_leptons(top):
    assert flags(top, 13) == ONLY_COPY | {"isPrompt", "isDecayedLeptonHadron"}
    assert flags(top, 14) == ONLY_COPY | {"isPrompt"}
    decay = ONLY_COPY | {"isDirectHadronDecayProduct"}
    assert flags(top, 15) == decay | {"isDecayedLeptonHadron"}
    assert flags(top, 19) == decay


def test_tau_from_a_hadron_is_not_prompt(top):
    assert flags(top, 16) == ONLY_COPY | {"isDecayedLeptonHadron", "isDirectHadronDecayProduct"}
    assert flags(top, 22) == ONLY_COPY | {"isTauDecayProduct", "isDirectTauDecayProduct"}


def test_final_daughter_of_a_resonance_without_its_own_code():
    made = event((23, -22, (0, 0), (2, 3)), (11, 1, (1, 0), (0, 0)), (-11, 1, (1, 0), (0, 0)))
    assert {"isHardProcess", "fromHardProcess", "fromHardProcessBeforeFSR"} <= flags(made, 2)


class Reference:
    """The definitions once more, on lists of mothers; daughters are whoever names a row mother."""

    def __init__(self, rows):
        self.ids = rows["pdgId"].tolist()
        self.status = rows["status"].tolist()
        self.mothers = [
            list(dict.fromkeys(m for m in (row["mother1"], row["mother2"]) if m)) for row in rows
        ]
        self.daughters: list[list[int]] = [[] for _ in rows]
        for row, mothers in enumerate(self.mothers):
            for mother in mothers:
                self.daughters[mother].append(row)

    def previous(self, p):
        return next((m for m in self.mothers[p] if self.ids[m] == self.ids[p]), None)

    def following(self, p):
        return next((d for d in self.daughters[p] if self.ids[d] == self.ids[p]), None)

    def first(self, p):
        return p if self.previous(p) is None else self.first(self.previous(p))

    def before_fsr(self, p):
        if any(self.ids[d] in (21, 22) for d in self.daughters[p]) or self.following(p) is None:
            return p
        return self.before_fsr(self.following(p))

    def mother(self, p):
        return self.mothers[p][0] if self.mothers[p] else None

    def decayed(self, p):
        kind = is_hadron(self.ids[p]) or abs(self.ids[p]) in (13, 15)
        return self.status[p] == 2 and kind and self.following(p) is None

    def decayed_mother(self, p, kinds=None):
        mother = self.mother(p)
        while mother is not None:
            if self.decayed(mother) and (kinds is None or abs(self.ids[mother]) in kinds):
                return mother
            mother = self.mother(mother)
        return None

    def hard(self, p):
        if 20 < self.status[p] < 30:
            return True
        mother = self.mother(p)
        if self.status[p] not in (1, 2) or mother is None:
            return False
        after = self.following(mother)
        branches = after is not None and 50 < self.status[after] < 60
        return self.status[self.first(mother)] == 22 and not branches

    def hard_copy(self, p):
        while p is not None and not self.hard(p):
            p = self.previous(p)
        return p

    def unlike(self, p):
        mother = self.mother(p)
        while mother is not None and self.ids[mother] == self.ids[p]:
            mother = self.mother(mother)
        return mother

    def flags(self, p):
        tau, nearest, origin = (
            self.decayed_mother(p, (15,)),
            self.decayed_mother(p),
            self.hard_copy(p),
        )
        prompt_tau = tau is not None and self.decayed_mother(tau) is None
        hard_tau = tau is not None and self.hard_copy(tau) is not None
        unlike = self.unlike(p)
        before = origin is not None and (
            (self.status[origin] == 21 and origin == p)
            or (self.status[origin] == 22 and self.following(p) is None)
            or (self.status[origin] in (1, 23) and self.before_fsr(origin) == p)
        )
        values = (
            nearest is None,
            self.decayed(p),
            tau is not None,
            prompt_tau,
            tau is not None and tau == nearest,
            prompt_tau and tau == nearest,
            unlike is not None and is_hadron(self.ids[unlike]) and self.decayed(unlike),
            self.hard(p),
            origin is not None,
            hard_tau,
            hard_tau and tau == nearest,
            before,
            self.previous(p) is None,
            self.following(p) is None,
            self.before_fsr(self.first(p)) == p,
        )
        return sum(bool(value) << bit for bit, value in enumerate(values))


@pytest.mark.parametrize("process", ["ttbar", "ztautau"])
def test_against_a_reference_on_real_events(process, generators):
    record = generators(process).generate([3, 4])
    for begin, end in zip(record.offsets[:-1], record.offsets[1:], strict=True):
        rows = np.zeros(end - begin, dtype=ROW)
        rows["pdgId"], rows["pythiaStatus"] = record.id[begin:end], record.status[begin:end]
        for name in ("mother1", "mother2", "daughter1", "daughter2"):
            rows[name] = getattr(record, name)[begin:end]
        annotate(rows)
        reference = Reference(rows)
        expected = [reference.flags(row) for row in range(len(rows))]
        # Beams and their remnants have daughters that Pythia does not list with them.
        kept = np.flatnonzero((rows["status"] < 30) & (rows["status"] != 4))[1:]
        np.testing.assert_array_equal(rows["flags"][kept], np.array(expected)[kept])


def test_bits_are_in_the_order_of_nanoaod():
    def constant(name):
        spaced = "".join(f"_{letter}" if letter.isupper() else letter for letter in name)
        return getattr(genflags, spaced.upper().replace("F_S_R", "FSR"))

    assert [constant(name) for name in BITS] == [1 << bit for bit in range(15)]
