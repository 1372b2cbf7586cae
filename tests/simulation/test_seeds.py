import numpy as np

from sonicmini.simulation.generator import MAX_SEED
from sonicmini.simulation.seeds import event_seeds


def test_an_event_does_not_depend_on_its_range():
    alone, among = event_seeds(7, range(5, 6)), event_seeds(7, range(10))
    assert alone.generator[0] == among.generator[5]
    assert alone.detector[0] == among.detector[5]
    first, second = (
        np.random.default_rng(s).random(3) for s in (alone.overlay[0], among.overlay[5])
    )
    np.testing.assert_array_equal(first, second)


def test_events_and_samples_differ():
    seeds = [event_seeds(seed, range(1000)) for seed in (1, 2)]
    drawn = [number for one in seeds for number in one.generator]
    assert len(set(drawn)) > 1995
    assert min(drawn) >= 1
    assert max(drawn) <= MAX_SEED
    assert seeds[0].detector.dtype == np.uint32
    assert len(set(seeds[0].detector.tolist())) > 995
