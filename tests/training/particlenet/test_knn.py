import numpy as np
import torch

from training.particlenet.knn import Layout, nearest


def masks(pf_counts: list[int], sv_counts: list[int]) -> tuple[torch.Tensor, torch.Tensor]:
    pf = torch.arange(max(pf_counts)) < torch.tensor(pf_counts)[:, None]
    return pf, torch.arange(max(sv_counts)) < torch.tensor(sv_counts)[:, None]


def test_rows_are_candidates_then_vertices() -> None:
    layout = Layout.of(*masks([2, 0, 3], [1, 2, 0]))
    assert layout.jets.tolist() == [0, 0, 2, 2, 2, 0, 1, 1]
    values = torch.arange(8.0)[:, None]
    assert layout.padded(values)[:, :, 0].tolist() == [
        [0, 1, 0, 5, 0],
        [0, 0, 0, 6, 7],
        [2, 3, 4, 0, 0],
    ]
    assert layout.mean(values)[:, 0].tolist() == [2.0, 6.5, 3.0]


def test_the_mean_of_nothing_is_zero() -> None:
    layout = Layout.of(*masks([2, 0], [1, 0]))
    assert layout.mean(torch.ones(3, 1)).tolist() == [[1.0], [0.0]]


def test_neighbours_are_the_nearest_others() -> None:
    for dimensions in (2, 5):
        layout = Layout.of(*masks([7, 1, 3, 0, 6], [0, 1, 0, 0, 2]))
        values = torch.randn(len(layout.places), dimensions)
        near = nearest(values, layout, 4)
        jets, points = layout.jets.numpy(), values.numpy().astype(float)
        for row in range(len(points)):
            others = [one for one in np.flatnonzero(jets == jets[row]) if one != row]
            others.sort(key=lambda one: float(np.sum((points[one] - points[row]) ** 2)))
            real = near.weight[row] > 0
            assert set(near.index[row, real].tolist()) == set(others[:4])
            assert near.weight[row, real].tolist() == [np.float32(1 / min(4, len(others)))] * min(
                4, len(others)
            )


def test_equal_points_are_neighbours_but_not_themselves() -> None:
    layout = Layout.of(*masks([3], [0]))
    near = nearest(torch.zeros(3, 2), layout, 2)
    assert [sorted(row) for row in near.index.tolist()] == [[1, 2], [0, 2], [0, 1]]
