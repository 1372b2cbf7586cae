"""All features of secondary vertices against those of one vertex after the other."""

import numpy as np
import pytest

from sonicmini.modules.networks.particlenet.jets import AK4_CHS, AK8
from sonicmini.modules.networks.particlenet.vertices import FEATURES, vertex_features
from tests.modules.networks.particlenet import literal
from tests.modules.networks.particlenet.jet_events import SIZES, events
from tests.modules.networks.particlenet.neighbours import assert_events_stand_alone

NAMES = tuple(FEATURES)
ALL = 1000


def features(products, kind, max_length=ALL):
    return vertex_features(products, kind, NAMES, max_length=max_length)


@pytest.mark.parametrize("kind", [AK4_CHS, AK8], ids=["AK4", "AK8"])
def test_every_feature_is_that_of_the_definition(kind):
    products = events(*SIZES, seed=3)
    found, counts = features(products, kind)
    jets = list(literal.jets_of(products, kind))
    assert counts.tolist() == [len(jet["vertices"]) for jet in jets]
    expected = [literal.vertex(sv, jet["jet"]) for jet in jets for sv in jet["vertices"]]
    assert len(expected) > 3
    for index, name in enumerate(NAMES):
        np.testing.assert_allclose(
            found[:, index],
            [row[name] for row in expected],
            rtol=1e-5,
            atol=1e-6,
            err_msg=name,
        )


def test_only_the_most_significant_vertices_are_kept():
    products = events((30, 2, 40, 1), seed=5)
    every, counts = features(products, AK8)
    found, kept = features(products, AK8, max_length=4)
    assert counts.max() > 4
    assert kept.tolist() == np.minimum(counts, 4).tolist()
    rank = np.concatenate([np.arange(count) for count in counts])
    np.testing.assert_array_equal(found, every[rank < 4])


def test_events_do_not_depend_on_their_neighbours():
    assert_events_stand_alone(lambda products: features(products, AK8))


@pytest.mark.parametrize("sizes", [(), ((0, 0, 3, 1),), ((5, 2, 0, 1),), ((5, 2, 4, 0),)])
def test_without_anything_there_are_no_rows(sizes):
    found, counts = features(events(*sizes), AK4_CHS)
    assert found.shape == (0, len(NAMES))
    assert found.dtype == np.float32
    assert counts.tolist() == [0] * sum(size[1] for size in sizes)
