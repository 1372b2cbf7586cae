import awkward as ak
import numpy as np
import pytest

from sonicmini.io.schema import AOD
from sonicmini.simulation.genrecord import MAX_ETA, generator_products

IS_LAST_COPY = 1 << 13
IS_FIRST_COPY = 1 << 12
PROCESSES = ["ttbar", "ztautau", "hbb", "zprime_tt"]


@pytest.fixture(scope="module", params=PROCESSES)
def produced(request, generators):
    generator = generators(request.param)
    record = generator.generate(range(1, 11))
    particles = generator_products(record)["GenPart"]
    return request.param, record, particles, generator.charge


def daughters_sum(particles, values):
    """Sum of a quantity over the daughters of each particle of an event, and their number."""
    mothers = ak.to_numpy(particles.genPartIdxMother)
    has = mothers >= 0
    total = np.bincount(mothers[has], values[has], minlength=len(mothers))
    return total, np.bincount(mothers[has], minlength=len(mothers))


def four_vectors(particles):
    pt, eta, phi, mass = (
        ak.to_numpy(particles[name]).astype(float) for name in ("pt", "eta", "phi", "mass")
    )
    x, y, z = pt * np.cos(phi), pt * np.sin(phi), pt * np.sinh(eta)
    return {"px": x, "py": y, "pz": z, "energy": np.sqrt(x**2 + y**2 + z**2 + mass**2)}


def test_fields_are_the_schemas(produced):
    particles = produced[2]
    types = {branch.name: branch.dtype for branch in AOD["GenPart"].branches}
    found = {field: str(ak.to_numpy(ak.flatten(particles[field])).dtype) for field in types}
    assert found == types


def test_mothers_come_first(produced):
    particles = produced[2]
    assert ak.all(particles.genPartIdxMother < ak.local_index(particles))
    assert ak.all(particles.genPartIdxMother >= -1)


def test_momentum_and_charge_are_conserved_in_decays(produced):
    _, _, events, charge = produced
    checked = 0
    for particles in events:
        kind, status = abs(ak.to_numpy(particles.pdgId)), ak.to_numpy(particles.status)
        last = (ak.to_numpy(particles.statusFlags) & IS_LAST_COPY) != 0
        resonance = np.isin(kind, (6, 23, 24, 25, 32))
        vectors = four_vectors(particles)
        scale = vectors["energy"]
        for values in vectors.values():
            total, count = daughters_sum(particles, values)
            decays = (status == 2) | (resonance & last)
            assert np.all(count[decays] > 0)
            assert np.all(abs(total - values)[decays] < 2e-4 * scale[decays] + 1e-4)
            checked += int(np.count_nonzero(decays))
        charges = np.array([charge(pdg_id) for pdg_id in particles.pdgId.to_list()])
        hadrons = status == 2
        total, _ = daughters_sum(particles, charges)
        np.testing.assert_array_equal(total[hadrons], charges[hadrons])
    assert checked > 1000


def test_all_stable_particles_are_there(produced):
    _, record, particles, _ = produced
    stable = particles[particles.status == 1]
    np.testing.assert_array_equal(
        ak.num(stable), np.add.reduceat(record.status > 0, record.offsets[:-1], dtype=int)
    )
    energy = ak.Array([four_vectors(event)["energy"].sum() for event in stable])
    np.testing.assert_allclose(energy, 13000.0, rtol=1e-4)


def test_daughters_start_where_their_mother_decays(produced):
    """All daughters of a decayed hadron or tau have one production vertex."""
    for event in produced[2]:
        mothers = ak.to_numpy(event.genPartIdxMother)
        from_decay = (mothers >= 0) & (ak.to_numpy(event.status)[mothers] == 2)
        for axis in ("vx", "vy", "vz"):
            place = ak.to_numpy(event[axis]).astype(float)
            total, count = daughters_sum(event, place)
            mean = total[mothers] / np.maximum(count[mothers], 1)
            assert np.all(abs(place - mean)[from_decay] <= 1e-5 * abs(mean[from_decay]) + 1e-9)


def test_hard_process(produced):
    name, _, particles, _ = produced
    kind = abs(particles.pdgId)
    first = particles[(particles.statusFlags & IS_FIRST_COPY) != 0]
    last = particles[(particles.statusFlags & IS_LAST_COPY) != 0]
    assert ak.all(ak.sum(particles.status == 21, axis=1) == 2)
    assert ak.all(abs(particles.eta[particles.status == 21]) == MAX_ETA)
    content = {"ttbar": {6: 2, 24: 2}, "ztautau": {15: 2}, "hbb": {25: 1}, "zprime_tt": {6: 2}}[
        name
    ]
    for code, count in content.items():
        hard = particles.statusFlags & (1 << 8) != 0
        assert ak.all(ak.sum(abs(first.pdgId) == code, axis=1) >= count)
        assert ak.all(ak.sum((kind == code) & hard, axis=1) >= count)
        assert ak.all(ak.sum(abs(last.pdgId) == code, axis=1) >= count)


def test_b_hadrons_come_from_their_quark(generators):
    particles = generator_products(generators("ttbar").generate(range(1, 21)))["GenPart"]
    code = abs(particles.pdgId)
    is_b = ((code // 100 % 10 == 5) & (code < 1000)) | (code // 1000 % 10 == 5)
    mother = particles[particles.genPartIdxMother]
    primary = is_b & (particles.genPartIdxMother >= 0) & (abs(mother.pdgId) < 6)
    assert ak.all(abs(mother.pdgId[primary]) == 5)
    # A B- (a b quark) has a b, a B+ an anti-b; baryons the quark of their own sign.
    meson = code < 1000
    sign = np.sign(particles.pdgId) * ak.where(meson, -1, 1)
    assert ak.all(np.sign(mother.pdgId)[primary] == sign[primary])
    # And through it, from the top: each event has at least two of them.
    from_top = ak.zeros_like(code) > 0
    ancestor = particles.genPartIdxMother
    for _ in range(6):
        known = ak.where(ancestor >= 0, ancestor, 0)
        from_top = from_top | ((ancestor >= 0) & (abs(particles.pdgId[known]) == 6))
        ancestor = ak.where(ancestor >= 0, particles.genPartIdxMother[known], -1)
    assert ak.mean(ak.sum(primary & from_top, axis=1) >= 2) > 0.9


def test_displaced_decays_of_b_hadrons(generators):
    particles = generator_products(generators("ttbar").generate(range(1, 21)))["GenPart"]
    mother = particles[particles.genPartIdxMother]
    weak = (abs(mother.pdgId) // 100 == 5) & (abs(mother.pdgId) % 10 == 1)
    flight = np.hypot(particles.vx, particles.vy)[weak & (particles.genPartIdxMother >= 0)]
    assert 0.05 < ak.mean(ak.flatten(flight)) < 1.0


def test_no_infinities(produced):
    flat = ak.flatten(produced[2])
    assert all(np.isfinite(ak.to_numpy(flat[field])).all() for field in flat.fields)


def test_generator_of_each_event(ttbar_record):
    generator = generator_products(ttbar_record)["Generator"]
    np.testing.assert_array_equal(generator.weight, np.float32(1))
    assert set(generator.processId.to_list()) <= {601, 602}
    assert ak.min(generator.scalePDF) > 50
