"""Candidates of a file are those of the chain, with the features that a job makes."""

from pathlib import Path

import numpy as np
import pytest

from sonicmini.event import Sparse
from sonicmini.io.root_source import RootSource
from sonicmini.io.schema import AOD
from sonicmini.modules.networks.deeptau.producer import DeepTau
from training.chain import Chain
from training.deeptau.dataset import MODEL, REPOSITORY, extract, files
from training.deeptau.layout import GRIDS, input_name
from training.samples import Sample

FILE = Path(__file__).parents[3] / "sample_data" / "ztautau.root"
SAMPLE = Sample("ztautau", 35, 123, "test", 100)


@pytest.fixture(scope="module")
def candidates():
    return extract(FILE, SAMPLE)


@pytest.fixture(scope="module")
def products():
    wanted = {*DeepTau.consumes, "TauGenMatch", "GenVisTau", "SlimmedTau"}
    (chunk,) = Chain(wanted).chunks(FILE)
    return chunk.products


def test_columns_are_those_of_the_chain(candidates, products):
    rows = [
        (event, tau, match, products["GenVisTau"][event])
        for event, (taus, matches) in enumerate(
            zip(products["SlimmedTau"], products["TauGenMatch"], strict=True)
        )
        for tau, match in zip(taus, matches, strict=True)
    ]
    assert len(candidates) == len(rows) > 40
    columns = candidates.columns
    for place, (event, tau, match, visible) in enumerate(rows):
        assert columns["event"][place] == 1_230_000 + event
        assert columns["pt"][place] == np.float32(tau.pt)
        assert columns["decayMode"][place] == tau.decayMode
        known = {1: 0, 3: 0, 2: 1, 4: 1, 5: 2, 0: 3}
        assert columns["label"][place] == known[match.genPartFlav]
        index = match.genVisTauIdx
        expected = visible[index].pt if index >= 0 else 0
        assert columns["genPt"][place] == np.float32(expected)
    assert set(columns["label"]) == {0, 1, 2, 3}
    assert (columns["pileup"] == 35).all()


def test_features_are_those_of_a_job(candidates, products):
    module = DeepTau().configured(REPOSITORY / MODEL)
    expected = module.acquire({name: products[name] for name in module.consumes})
    found = candidates.tensors(np.arange(len(candidates)))
    np.testing.assert_array_equal(found["input_tau"], expected["input_tau"])
    for grid in GRIDS:
        for block in ("egamma", "muon", "hadrons"):
            mine, theirs = (tensors[input_name(grid, block)] for tensors in (found, expected))
            assert isinstance(mine, Sparse)
            assert isinstance(theirs, Sparse)
            np.testing.assert_array_equal(mine.counts, theirs.counts)
            np.testing.assert_array_equal(mine.position, theirs.position)
            np.testing.assert_allclose(
                np.asarray(mine.content, np.float64),
                np.asarray(theirs.content, np.float64),
                rtol=1e-3,
                atol=1e-7,
            )


def test_no_file_is_in_two_splits_and_no_seed_twice():
    chosen = [one for split in ("train", "validation", "test") for one in files(split)]
    seeds = [one.seed for one in chosen]
    assert len(set(seeds)) == len(seeds)
    assert {one.pileup for one in files("test")} == {35}


def test_products_of_files_are_enough():
    chain = Chain({*DeepTau.consumes, "TauGenMatch"})
    made = {name for module in chain.modules for name in module.produces}
    read = {name for module in chain.modules for name in module.consumes} - made
    assert read <= {*AOD}
    assert len(list(RootSource([FILE], sorted(read)).chunks())) == 1
