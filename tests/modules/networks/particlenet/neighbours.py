"""What events have in common with the same events alone: everything."""

import numpy as np

from tests.modules.networks.particlenet.jet_events import SIZES, events


def assert_events_stand_alone(features):
    """Compares rows and counts of some events with those of one after the other.

    Args:
        features: makes them from products.
    """
    products = events(*SIZES)
    found, counts = features(products)
    alone = [
        features({name: product[i : i + 1] for name, product in products.items()})
        for i in range(len(SIZES))
    ]
    assert len(found) > 0
    np.testing.assert_array_equal(np.concatenate([rows for rows, _ in alone]), found)
    np.testing.assert_array_equal(np.concatenate([n for _, n in alone]), counts)
