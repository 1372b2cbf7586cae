from collections import Counter

import pytest

from training.datasets import DATASETS, SPLITS
from training.deepmet.data import PARTS, files
from training.samples import TEST_PILEUP, TRAIN_PILEUP


def test_no_file_is_in_two_parts():
    chosen = [sample for part in PARTS for sample in files(part)]
    assert len({sample.seed for sample in chosen}) == len(chosen)


def test_all_files_are_of_the_data_sets_and_of_the_right_split():
    known = {
        split: {one for data in DATASETS.values() for one in data.samples(split)}
        for split in SPLITS
    }
    for part in PARTS:
        assert set(files(part)) <= known["test" if part == "pileup" else part]


def test_half_of_the_training_is_ttbar_and_all_pileups_are_there():
    chosen = files("train")
    processes = Counter(sample.process for sample in chosen)
    assert 0.4 < processes["ttbar"] / len(chosen) < 0.6
    assert {sample.pileup for sample in chosen if sample.process == "ttbar"} == set(TRAIN_PILEUP)


@pytest.mark.parametrize("part", ["validation", "test"])
def test_targets_are_at_one_pileup(part):
    assert {sample.pileup for sample in files(part)} == {TEST_PILEUP}
    assert {"ttbar", "ztautau", "qcd"} < {sample.process for sample in files(part)}


def test_pileup_scan_is_of_one_process():
    chosen = files("pileup")
    assert {sample.process for sample in chosen} == {"ttbar"}
    assert Counter(sample.pileup for sample in chosen) == {15: 2, 25: 2, 45: 2, 60: 2}
