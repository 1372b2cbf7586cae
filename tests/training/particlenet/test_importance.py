import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.training.particlenet.feature_files import write_files
from training.particlenet.importance import (
    LARGEST_BALANCE,
    MOST_COPIES,
    balance,
    copies,
    flattened,
    importance,
    loss_weight,
    shared,
)
from training.particlenet.jets import Jets
from training.particlenet.recipes import RECIPES

NETWORKS = list(RECIPES)


@pytest.mark.parametrize("network", NETWORKS)
def test_classes_have_their_shares(network, tmp_path):
    recipe = RECIPES[network]
    write_files(recipe.family, tmp_path)
    jets = Jets.load(recipe, "train", tmp_path)
    wanted = importance(jets, recipe)
    assert wanted.mean() == pytest.approx(1)
    group = (
        np.where(jets.of_processes("qcd_boosted"), 0, 1) if network == "ak8_mass" else jets.label
    )
    found = np.bincount(group, weights=wanted) / wanted.sum()
    assert found == pytest.approx(tuple(recipe.shares.values()))


@pytest.mark.parametrize("network", NETWORKS)
def test_shares_are_whole(network):
    recipe = RECIPES[network]
    assert sum(recipe.shares.values()) == pytest.approx(1)
    groups = ("QCD", "resonances") if recipe.is_regression else recipe.classes
    assert tuple(recipe.shares) == groups


def test_cells_count_the_same_but_for_the_rare_ones():
    cell = np.repeat([0, 1, 2], [120, 60, 1])
    weight = np.bincount(cell, weights=flattened(cell, 12))
    assert weight == pytest.approx([1, 1, 12 / 120])


def test_signal_gets_the_spectrum_of_qcd():
    cell = np.repeat([0, 1, 0, 1, 2], [30, 10, 10, 30, 5])
    is_qcd = np.repeat([True, False], [40, 45])
    weight = np.ones(85)
    found = weight * balance(cell, weight, is_qcd)
    spectra = [np.bincount(cell[x], weights=found[x], minlength=3) for x in (is_qcd, ~is_qcd)]
    assert spectra[0].tolist() == [30, 10, 0]
    # Where there is no QCD, as little of the signal as is allowed.
    assert spectra[1][:2] / 45 == pytest.approx(spectra[0][:2] / 40)
    assert spectra[1][2] == pytest.approx(5 / LARGEST_BALANCE)


def test_shares_of_groups_by_hand():
    found = shared(np.array([1.0, 3.0, 5.0]), np.array([0, 0, 2]), (0.4, 0.1, 0.5))
    assert found == pytest.approx([0.1, 0.3, 0.5])


@given(
    st.lists(st.floats(0.01, 50), min_size=1, max_size=50),
    st.integers(1, 200),
    st.floats(0, 1, exclude_max=True),
)
def test_as_many_jets_are_taken_as_are_asked_for(wanted, number, offset):
    taken = copies(np.array(wanted), number, offset)
    assert taken.sum() == number
    assert (taken >= 0).all()


def test_jets_are_taken_by_their_importance():
    wanted = np.array([0.5, 1.0, 2.5] * 100)
    taken = np.mean([copies(wanted, 400, x) for x in np.linspace(0, 0.999, 200)], axis=0)
    assert taken == pytest.approx(wanted, abs=0.02)


def test_no_jet_is_taken_far_more_often_than_allowed_but_it_weighs_more():
    wanted = np.array([1.0] * 97 + [10.0])
    taken = copies(wanted, 107, 0.5)
    assert taken[-1] <= MOST_COPIES + 1
    assert loss_weight(wanted)[-1] == pytest.approx(MOST_COPIES)
    assert (loss_weight(wanted)[:-1] == 1).all()
