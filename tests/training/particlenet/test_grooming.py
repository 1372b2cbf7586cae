from dataclasses import replace

import numpy as np
import torch

from tests.training.particlenet.synthetic import MASS, SIZES, random_jets
from training.particlenet.grooming import LEAST_SQUARE, PT, GroomedMass, mass
from training.particlenet.network import ParticleNet


def by_four_vectors(pt: torch.Tensor, points: torch.Tensor) -> np.ndarray:
    pt, eta, phi = (values.double().numpy() for values in (pt, points[:, 0], points[:, 1]))
    parts = (np.cosh(eta), np.cos(phi), np.sin(phi), np.sinh(eta))
    energy, x, y, z = ((pt * part).sum(axis=1) for part in parts)
    square = energy**2 - x**2 - y**2 - z**2
    return np.asarray(np.sqrt(np.maximum(square, LEAST_SQUARE)))


def test_masses_are_those_of_the_sum_of_four_vectors() -> None:
    random = torch.Generator().manual_seed(1)
    pt = torch.exp(3 * torch.randn(200, 30, generator=random))
    for radius in (0.8, 0.01):
        points = radius * torch.randn(200, 2, 30, generator=random)
        np.testing.assert_allclose(mass(pt, points), by_four_vectors(pt, points), rtol=2e-5)


def test_one_candidate_has_no_mass_and_an_end_of_slopes() -> None:
    pt = torch.tensor([[500.0, 0.0]], requires_grad=True)
    found = mass(pt, torch.tensor([[[0.1, 0.0], [0.2, 0.0]]]))
    found.sum().backward()
    assert float(found.detach()) < 0.1
    assert pt.grad is not None
    assert torch.isfinite(pt.grad).all()


def test_it_is_the_mass_of_all_candidates_if_all_count_fully() -> None:
    jets = random_jets(50)
    jets = replace(jets, pf_points=0.1 * jets.pf_points)
    groomed = GroomedMass(MASS, 4, pt_scale=(2.0, 0.5))
    torch.nn.init.constant_(groomed.weight.bias, 50.0)
    candidates = int(jets.pf_mask.sum())
    place = MASS.pf.index(PT)
    pt = torch.exp(jets.pf_features[:, place] / 0.5 + 2.0) * jets.pf_mask[:, 0]
    expected = by_four_vectors(pt, jets.pf_points)
    with torch.no_grad():
        found = groomed(torch.zeros(candidates, 4), jets)
    np.testing.assert_allclose(found[:, 0], expected, rtol=1e-4, atol=0.05)


@torch.no_grad()
def test_before_it_has_learned_the_network_answers_the_groomed_mass() -> None:
    jets = random_jets(50)
    small = replace(jets, pf_points=0.1 * jets.pf_points)
    network = ParticleNet(MASS, SIZES).eval()
    assert network.groomed is not None
    weight = torch.sigmoid(network.groomed.weight.bias)
    place = MASS.pf.index(PT)
    pt = weight * torch.exp(small.pf_features[:, place]) * small.pf_mask[:, 0]
    expected = by_four_vectors(pt, small.pf_points)
    np.testing.assert_allclose(network(small)[:, 0], expected, rtol=1e-3, atol=1e-4)
