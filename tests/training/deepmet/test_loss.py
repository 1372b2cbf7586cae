import numpy as np
import pytest
import torch

from training.deepmet.loss import HUBER_DELTA, MEMORY, RATE, ResponseLoss


def literal(found, true, edges, multipliers):
    """Event by event, momenta in units of 50 GeV."""
    total = 0.0
    for answer, truth in zip(found, true, strict=True):
        for residual in answer - truth:
            size = abs(residual)
            inner = size**2 / 2 if size < HUBER_DELTA else HUBER_DELTA * (size - HUBER_DELTA / 2)
            total += inner / 2
        size = np.hypot(*truth)
        for low, high, multiplier in zip(edges[:-1], edges[1:], multipliers, strict=True):
            if low <= 50 * size < high:
                along = (answer - truth) @ truth / size
                total += multiplier * along / (np.sqrt(low * high) / 50)
    return total / len(found)


def test_is_what_it_says_event_by_event():
    rng = np.random.default_rng(1)
    true = rng.normal(0, 1, (200, 2))
    true[0] = 0
    found = true + rng.normal(0, 1.5, true.shape)
    loss = ResponseLoss((20, 50, 80))
    loss.multiplier = torch.tensor([0.3, -0.2])
    given = torch.from_numpy(found).float(), torch.from_numpy(true).float()
    value = loss(*given).item()
    expected = literal(found, true, (20, 50, 80), loss.multiplier.tolist())
    assert value == pytest.approx(expected, rel=1e-4)


def test_multipliers_follow_the_mean_residual_of_their_bin():
    loss = ResponseLoss((20, 50, 200))
    true = torch.tensor([[0.8, 0.0], [0.0, 0.6], [0.1, 0.0]])
    loss(1.5 * true, true)
    mean = (0.4 + 0.3) / 2 / (np.sqrt(20 * 50) / 50)
    assert loss.bias.tolist() == pytest.approx([(1 - MEMORY) * mean, 0])
    assert loss.multiplier.tolist() == pytest.approx([RATE * (1 - MEMORY) * mean, 0])


@pytest.mark.parametrize("edges", [(20, 250), (20, 60, 110, 250)])
def test_holds_the_response_where_the_residual_alone_would_not(edges):
    generator = torch.Generator().manual_seed(2)
    true = torch.randn(20000, 2, generator=generator) * 1.2
    measured = true + torch.randn(true.shape, generator=generator) * 0.8
    factor = torch.ones(1, requires_grad=True)
    loss = ResponseLoss(edges)
    optimizer = torch.optim.Adam([factor], lr=2e-3)
    for step in range(1500):
        part = slice(step * 100 % 20000, step * 100 % 20000 + 100)
        optimizer.zero_grad()
        loss(factor * measured[part], true[part]).backward()
        optimizer.step()
    assert factor.item() == pytest.approx(1, abs=0.02)
    best = (measured * true).sum() / (measured**2).sum()
    assert best < 0.8  # without the multipliers


def test_state_goes_on():
    loss, other = ResponseLoss((20, 250)), ResponseLoss((20, 250))
    true = torch.tensor([[0.8, 0.4]])
    loss(2 * true, true)
    other.load_state_dict(loss.state_dict())
    assert other(2 * true, true).item() == loss(2 * true, true).item()
