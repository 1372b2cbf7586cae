import sys
from dataclasses import fields

import numpy as np
import pytest

from sonicmini.errors import ConfigError
from sonicmini.simulation.generator import Generator
from sonicmini.simulation.processes import PROCESSES


def per_event(record, name, event):
    values = getattr(record, name)
    if len(values) == record.size:
        return values[event]
    return values[record.offsets[event] : record.offsets[event + 1]]


def test_an_event_is_a_function_of_its_seed(generators):
    seeds = [11, 12, 13, 14, 15, 16]
    together = generators("ttbar").generate(seeds)
    other = Generator(PROCESSES["ttbar"])
    for event in (4, 1):
        alone = other.generate([seeds[event]])
        for field in fields(alone):
            if field.name != "offsets":
                np.testing.assert_array_equal(
                    per_event(alone, field.name, 0), per_event(together, field.name, event)
                )


def test_one_by_one_is_the_same(generators):
    generator = generators("ttbar")
    together = generator.generate([21, 22, 23])
    for event, seed in enumerate((21, 22, 23)):
        batch, (code, weight) = generator._event(seed)
        assert code == together.processId[event]
        assert weight == together.weight[event]
        np.testing.assert_array_equal(batch.prt.p.px[0], per_event(together, "px", event))


def test_failed_events_keep_their_seed(generators, monkeypatch):
    """If Pythia uses up more seeds than it returns events, each event is made again."""
    generator = generators("ttbar")
    expected = generator.generate([31, 32, 33])
    batches = generator._pythia.nextBatch

    class Failing:
        def __getattr__(self, name):
            return getattr(generator_pythia, name)

        def nextBatch(self, events):  # noqa: N802
            return batches(events)[:-1] if events > 1 else batches(events)

    generator_pythia = generator._pythia
    monkeypatch.setattr(generator, "_pythia", Failing())
    found = generator.generate([31, 32, 33])
    for field in fields(found):
        np.testing.assert_array_equal(getattr(found, field.name), getattr(expected, field.name))


def test_collisions_are_at_the_origin(ttbar_record):
    hard = (abs(ttbar_record.status) >= 21) & (abs(ttbar_record.status) <= 22)
    for axis in ("vx", "vy", "vz"):
        assert np.all(abs(getattr(ttbar_record, axis)[hard]) < 1e-9)


def test_seeds_give_different_events(ttbar_record):
    assert len(set(np.diff(ttbar_record.offsets))) > 15


def test_stable_particles_carry_everything(ttbar_record):
    record = ttbar_record
    stable = record.status > 0
    for name, total in (("energy", 13000.0), ("px", 0.0), ("py", 0.0), ("pz", 0.0), ("charge", 2)):
        sums = np.add.reduceat(np.where(stable, getattr(record, name), 0.0), record.offsets[:-1])
        np.testing.assert_allclose(sums, total, atol=0.01)


def test_vertices_are_in_cm(ttbar_record):
    record = ttbar_record
    # K0s from the collision: mean decay length of pions over p/m is c tau.
    mothers = record.mother1 + np.repeat(record.offsets[:-1], np.diff(record.offsets))
    pions = (abs(record.id) == 211) & (record.id[mothers] == 310) & (record.mother1 > 0)
    kaons = mothers[pions]
    prompt = np.hypot(record.vx, record.vy)[kaons] < 0.001
    flight = np.sqrt(
        sum(
            (getattr(record, v)[pions] - getattr(record, v)[kaons]) ** 2 for v in ("vx", "vy", "vz")
        )
    )
    momentum = np.sqrt(sum(getattr(record, p)[kaons] ** 2 for p in ("px", "py", "pz")))
    lifetimes = (flight * record.mass[kaons] / momentum)[prompt]
    assert len(lifetimes) > 100
    # Those that decay beyond the calorimeter are missing: somewhat less than 2.684 cm.
    assert 1.9 < lifetimes.mean() < 3.0


def test_what_reaches_the_calorimeter_does_not_decay(ttbar_record):
    radius = np.hypot(ttbar_record.vx, ttbar_record.vy)
    assert radius.max() < 129.0
    assert abs(ttbar_record.vz).max() < 314.0


def test_without_pythia(monkeypatch):
    monkeypatch.setitem(sys.modules, "pythia8mc", None)
    with pytest.raises(ConfigError, match=r"pip install 'sonicmini\[sim\]'"):
        Generator(PROCESSES["ttbar"])
