import math

import pytest
import torch
from torch.nn import functional

from tests.training.particlenet.synthetic import INTERFACE, MASS, random_jets
from training.particlenet.loss import jet_losses, mass_losses


def test_classes_have_the_cross_entropy() -> None:
    jets, logits = random_jets(9), torch.randn(9, 3)
    expected = -functional.log_softmax(logits, dim=1)[torch.arange(9), jets.label]
    torch.testing.assert_close(jet_losses(INTERFACE, logits, jets), expected)


@pytest.mark.parametrize(("mass", "target"), [(80.0, 80.0), (0.0, 0.0), (90.0, 80.0), (5.0, 200.0)])
def test_masses_have_log_cosh_of_their_logarithms(mass: float, target: float) -> None:
    found = mass_losses(torch.tensor([math.log1p(mass / 10)]), torch.tensor([target]))
    expected = math.log(math.cosh((math.log1p(mass / 10) - math.log1p(target / 10)) / 0.1)) / 10
    assert float(found) == pytest.approx(expected, abs=1e-5)


def test_a_mass_loss_far_off_is_finite_with_its_gradient() -> None:
    logits = torch.tensor([50.0, -50.0], requires_grad=True)
    losses = jet_losses(MASS, logits[:, None], random_jets(2))
    losses.sum().backward()
    assert torch.isfinite(losses).all()
    assert logits.grad is not None
    torch.testing.assert_close(logits.grad, torch.tensor([1.0, -1.0]))


def test_the_best_constant_answer_is_the_median_mass() -> None:
    masses = 80 * torch.exp(0.3 * torch.randn(4001, generator=torch.Generator().manual_seed(1)))
    candidates = torch.linspace(60, 100, 81)
    losses = [
        float(mass_losses(torch.log1p(one / 10).expand(4001), masses).mean()) for one in candidates
    ]
    best = candidates[losses.index(min(losses))]
    assert float(best) == pytest.approx(float(masses.median()), abs=1.5)
