from dataclasses import fields

import awkward as ak
import numpy as np
import pytest

from sonicmini.simulation.constants import BEAM_LENGTH, BEAM_SPOT, BEAM_WIDTH
from sonicmini.simulation.generator import EventRecord
from sonicmini.simulation.overlay import overlay_pileup
from sonicmini.simulation.seeds import event_seeds

PILEUP = 20.0


def take(record, event):
    """One event of a record as a record."""
    rows = slice(record.offsets[event], record.offsets[event + 1])
    values = {}
    for field in fields(EventRecord):
        array = getattr(record, field.name)
        one = slice(event, event + 1) if len(array) == record.size else rows
        values[field.name] = array[one]
    return EventRecord(**values | {"offsets": np.array([0, rows.stop - rows.start])})


@pytest.fixture(scope="module")
def overlaid(ttbar_record, small_library):
    return overlay_pileup(ttbar_record, small_library, PILEUP, event_seeds(1, range(20)))


@pytest.fixture(scope="module")
def many(ttbar_record, small_library):
    """The same 20 collisions again and again, each time with other pileup."""
    made = [
        overlay_pileup(
            ttbar_record, small_library, PILEUP, event_seeds(2, range(start, start + 20))
        )
        for start in range(0, 1000, 20)
    ]
    return [batch for batch, _ in made], [products for _, products in made]


def test_types_and_offsets(overlaid):
    batch, _ = overlaid
    assert batch.size == 20
    assert batch.offsets[0] == 0
    assert np.all(np.diff(batch.offsets) > 0)
    kinds = {"pdgId": "int32", "charge": "int8", "collision": "int16", "seeds": "uint32"}
    for field in fields(batch):
        array = getattr(batch, field.name)
        assert array.dtype == kinds.get(field.name, "int64" if field.name == "offsets" else "f8")
        assert array.flags.c_contiguous
        if field.name not in ("offsets", "seeds"):
            assert len(array) == batch.offsets[-1]


def test_hard_collision_comes_first_and_is_only_moved(overlaid, ttbar_record):
    batch, products = overlaid
    vertex = products["vertex"]
    for event in range(20):
        one = take(ttbar_record, event)
        stable = one.status > 0
        rows = slice(batch.offsets[event], batch.offsets[event] + np.count_nonzero(stable))
        assert np.all(batch.collision[rows] == 0)
        assert batch.collision[rows.stop] > 0
        np.testing.assert_array_equal(batch.pdgId[rows], one.id[stable])
        for name in ("px", "py", "pz", "energy", "charge"):
            np.testing.assert_array_equal(getattr(batch, name)[rows], getattr(one, name)[stable])
        for name in ("vx", "vy", "vz"):
            moved = getattr(batch, name)[rows] - getattr(one, name)[stable]
            np.testing.assert_allclose(moved, vertex[name][event], atol=1e-5)


def test_pileup_collisions_are_rotated_and_mirrored_as_a_whole(overlaid, small_library):
    batch, _ = overlaid
    sources = [
        small_library.particles[start:stop]
        for start, stop in zip(small_library.offsets[:-1], small_library.offsets[1:], strict=True)
    ]
    sides, angles = [], []
    for event in range(20):
        rows = np.arange(batch.offsets[event], batch.offsets[event + 1])
        for number in range(1, batch.collision[rows].max() + 1):
            mine = rows[batch.collision[rows] == number]
            if len(mine) < 10:
                continue
            (source,) = (one for one in sources if np.array_equal(one["pdgId"], batch.pdgId[mine]))
            before = source["px"] + 1j * source["py"].astype(complex)
            rotation = (batch.px + 1j * batch.py)[mine] / before
            np.testing.assert_allclose(rotation, rotation[0], rtol=1e-5)
            np.testing.assert_allclose(abs(rotation), 1.0, rtol=1e-5)
            side = np.sign(batch.pz[mine[0]] / source["pz"][0])
            np.testing.assert_allclose(batch.pz[mine], side * source["pz"], rtol=1e-6)
            mass2 = (batch.energy**2 - batch.px**2 - batch.py**2 - batch.pz**2)[mine]
            np.testing.assert_allclose(mass2, source["mass"].astype(float) ** 2, atol=1e-6)
            flight = (batch.vx + 1j * batch.vy)[mine] - rotation * (
                source["vx"] + 1j * source["vy"].astype(complex)
            )
            np.testing.assert_allclose(flight, flight[0], atol=2e-4)
            sides.append(side)
            angles.append(np.angle(rotation[0]))
    assert 0.35 < np.mean(np.array(sides) > 0) < 0.65
    assert abs(np.exp(1j * np.array(angles)).mean()) < 0.15


def test_number_of_collisions_is_poisson(many):
    numbers = np.concatenate([ak.to_numpy(products["Pileup"].nPU) for products in many[1]])
    assert abs(numbers.mean() - PILEUP) < 4 * np.sqrt(PILEUP / 1000)
    assert 0.8 < numbers.var() / PILEUP < 1.2
    batch, products = many[0][0], many[1][0]
    last = np.maximum.reduceat(batch.collision, batch.offsets[:-1])
    # A collision of the library may have no particle in the acceptance.
    assert np.all(last <= products["Pileup"].nPU)
    assert np.mean(last == products["Pileup"].nPU) > 0.8


def test_luminous_region(many):
    vertices = np.array(
        [(one.vx, one.vy, one.vz) for products in many[1] for one in products["vertex"]]
    )
    widths = np.array([BEAM_WIDTH, BEAM_WIDTH, BEAM_LENGTH])
    assert np.all(abs(vertices.mean(axis=0) - BEAM_SPOT) < 4 * widths / np.sqrt(1000))
    np.testing.assert_allclose(vertices.std(axis=0), widths, rtol=0.1)


def test_an_event_does_not_depend_on_its_block(overlaid, ttbar_record, small_library):
    batch, _ = overlaid
    alone, _ = overlay_pileup(
        take(ttbar_record, 7), small_library, PILEUP, event_seeds(1, range(7, 8))
    )
    rows = slice(batch.offsets[7], batch.offsets[8])
    for field in fields(batch):
        if field.name not in ("offsets", "seeds"):
            np.testing.assert_array_equal(
                getattr(alone, field.name), getattr(batch, field.name)[rows]
            )
    assert alone.seeds[0] == batch.seeds[7]


def test_without_pileup_no_library_is_needed(ttbar_record):
    batch, products = overlay_pileup(ttbar_record, None, 0.0, event_seeds(1, range(20)))
    assert batch.collision.max() == 0
    assert products["Pileup"].nPU.to_list() == [0] * 20
    assert len(batch.px) == np.count_nonzero(ttbar_record.status > 0)
