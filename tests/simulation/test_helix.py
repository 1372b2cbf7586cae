"""Helices against straight numerical integration of the equation of motion."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sonicmini.simulation.constants import CALO_LENGTH, CALO_RADIUS, RADIUS_PER_PT
from sonicmini.simulation.helix import advance, closest_approach, to_calorimeter, wrap

momenta = st.tuples(
    st.floats(1.0, 100.0),
    st.floats(-2.0, 2.0),
    st.floats(-math.pi, math.pi),
    st.sampled_from((-1, 1)),
)


def state_of(pt, eta, phi, at=(0.0, 0.0, 0.0)):
    return (*at, pt * math.cos(phi), pt * math.sin(phi), pt * math.sinh(eta))


def integrate(state, charge, path, steps=20000):
    """Small straight steps, the momentum turning by -charge * step / radius."""
    x, y, z, px, py, pz = state
    pt = math.hypot(px, py)
    phi, step = math.atan2(py, px), path / steps
    turn = -charge * step / (RADIUS_PER_PT * pt)
    for _ in range(steps):
        x += step * math.cos(phi + 0.5 * turn)
        y += step * math.sin(phi + 0.5 * turn)
        phi += turn
        z += step * pz / pt
    return x, y, z, pt * math.cos(phi), pt * math.sin(phi), pz


@pytest.mark.parametrize("charge", [-1, 0, 1])
def test_advance_equals_integration(charge):
    state = state_of(0.8, 0.7, 2.0, (1.0, -2.0, 3.0))
    assert advance(state, charge, 90.0) == pytest.approx(integrate(state, charge, 90.0), rel=1e-5)


@given(momenta)
def test_the_entry_is_on_the_calorimeter(momentum):
    pt, eta, phi, charge = momentum
    reaches, at_eta, _ = to_calorimeter(state_of(pt, eta, phi), charge)
    assert reaches
    corner = math.asinh(CALO_LENGTH / CALO_RADIUS)
    if abs(at_eta) < corner - 1e-6:  # barrel: reached at its radius before the end
        assert abs(math.sinh(at_eta)) * CALO_RADIUS <= CALO_LENGTH


def test_a_soft_particle_curls_up():
    assert not to_calorimeter(state_of(0.3, 0.0, 1.0), 1)[0]


def test_a_neutral_particle_goes_straight():
    assert to_calorimeter(state_of(5.0, 0.9, 1.1), 0) == pytest.approx((True, 0.9, 1.1))


@given(momenta, st.floats(-1.0, 1.0), st.floats(-1.0, 1.0))
def test_the_closest_approach_is_closest(momentum, x, y):
    pt, eta, phi, charge = momentum
    state = state_of(pt, eta, phi, (x, y, 4.0))
    dxy, z, at = closest_approach(state, charge, (0.1, -0.2))
    pca = (0.1 - dxy * math.sin(at), -0.2 + dxy * math.cos(at), z)
    paths = np.linspace(-4.0, 4.0, 4001)
    points = np.array([advance(state, charge, path)[:3] for path in paths])
    distances = np.hypot(points[:, 0] - 0.1, points[:, 1] + 0.2)
    best = points[np.argmin(distances)]
    assert abs(dxy) == pytest.approx(distances.min(), abs=2e-3)
    assert pca == pytest.approx(best, abs=2e-2)


@given(st.floats(-50.0, 50.0))
def test_wrapped_angles_are_the_same_angle(angle):
    assert -math.pi - 1e-9 <= wrap(angle) <= math.pi + 1e-9
    assert math.cos(wrap(angle)) == pytest.approx(math.cos(angle), abs=1e-9)
