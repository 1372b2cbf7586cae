from collections import Counter

import pytest

from sonicmini.simulation.processes import find_process
from training.datasets import DATASETS, SPLITS, files
from training.samples import TEST_PILEUP, TRAIN_PILEUP, make_samples, present, samples


def test_no_two_files_share_hard_collisions():
    everything = [sample for split in SPLITS for sample in files(DATASETS, split)]
    # An event's seed follows from its sample's: equal ones would be the same collision.
    seeds = Counter(sample.seed for sample in everything)
    assert max(seeds.values()) == 1
    assert len({sample.name for sample in everything}) == len(everything)


def test_all_processes_exist():
    for split in SPLITS:
        for sample in files(DATASETS, split):
            assert find_process(sample.process).name == sample.process


def test_a_first_part_is_a_fair_mixture():
    blocks = {"ttbar": 40, "qcd": 20}
    first = Counter(sample.process for sample in samples("train", blocks, recipe=0)[:30])
    assert first == {"ttbar": 20, "qcd": 10}


def test_pileup_is_spread_in_training_only():
    blocks = {"ttbar": 2 * len(TRAIN_PILEUP)}
    spread = Counter(sample.pileup for sample in samples("train", blocks, recipe=0))
    assert spread == Counter(2 * TRAIN_PILEUP)
    assert {sample.pileup for sample in samples("test", blocks, recipe=0)} == {TEST_PILEUP}


@pytest.mark.slow
def test_only_what_is_missing_is_simulated(tmp_path, capsys):
    chosen = [
        type(sample)(sample.process, 0, sample.seed, sample.split, events=5)
        for sample in samples("validation", {"ttbar": 2}, recipe=9)
    ]
    make_samples(chosen[:1], tmp_path, 1)
    before = chosen[0].file(tmp_path).stat().st_mtime_ns
    assert present(chosen, tmp_path) == chosen[:1]
    make_samples(chosen, tmp_path, 1)
    assert present(chosen, tmp_path) == chosen
    assert chosen[0].file(tmp_path).stat().st_mtime_ns == before
    assert "1 of 2 samples are there" in capsys.readouterr().out
