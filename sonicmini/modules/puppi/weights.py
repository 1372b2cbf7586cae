"""The weights of PUPPI (CMSSW: ``PuppiContainer`` and ``PuppiAlgo``).

The shape variable of a candidate is ``alpha = log(sum of pT^2 / dR^2)`` over its neighbours: those
of PV 0 where there are tracks, all of them forward. Its distribution for pileup is measured event
by event on the charged candidates of other vertices; the weight is the cumulative chi2
distribution of the signed distance from their median.
"""

import math
from typing import NamedTuple

import numpy as np
from scipy.special import erf, erfinv

from sonicmini.modules.columns import Bools, Floats, Ints, kernel
from sonicmini.modules.puppi.inputs import (
    DEFAULT_TUNE,
    LEPTON,
    NEUTRAL,
    PILEUP,
    PRIMARY,
    PuppiInputs,
    PuppiTune,
)
from sonicmini.modules.puppi.neighbours import Points, log_pt2_over_dr2, rapidity_of

_ETA_RANGES = ((0.0, 2.5), (2.5, 3.0), (3.0, 10.0))


def puppi_alpha(inputs: PuppiInputs, labels: Ints, tune: PuppiTune, *, forward: bool) -> Floats:
    """Alpha of the candidates that need it, 0 for others and for those without neighbours.

    They are those to be weighted, in the central or the forward regions, and the central tracks
    with which the distribution is measured. The forward alpha of tracks and neutral candidates is
    the same whether leptons are labelled apart or not.

    Args:
        inputs: the candidates; those without positive pT are nobody's neighbours.
        labels: of :func:`puppi_labels`.
        tune: parameters.
        forward: sum over all neighbours, not only over those of PV 0.
    """
    rapidity = rapidity_of(inputs.pt, inputs.eta, inputs.mass)
    points = Points(rapidity, inputs.eta, inputs.phi, inputs.pt**2)
    sources = (inputs.pt > 0) & np.isfinite(rapidity) & (forward | (labels == PRIMARY))
    region = _regions(inputs)
    targets = (labels == NEUTRAL) & (region > 0 if forward else region == 0)
    targets |= _calibrates(inputs, labels, tune, forward=forward)
    return log_pt2_over_dr2(points, sources, targets, offsets=inputs.offsets, cone=tune.cone)


def puppi_weights(
    inputs: PuppiInputs, labels: Ints, alphas: tuple[Floats, Floats], tune: PuppiTune = DEFAULT_TUNE
) -> Floats:
    """The PUPPI weights, 0 to 1, shape ``(candidates,)``.

    Args:
        inputs: the candidates; those without positive pT and those outside all regions of abs(eta)
            get 0.
        labels: of :func:`puppi_labels`.
        alphas: the central and the forward one, of :func:`puppi_alpha`.
        tune: parameters.
    """
    region = _regions(inputs)
    weights = np.where(labels == LEPTON, 1.0, 0.0)
    weights[(labels == PRIMARY) & (region >= 0)] = 1.0
    for forward, alpha in zip((False, True), alphas, strict=True):
        calibrates = _calibrates(inputs, labels, tune, forward=forward)
        pileup = pileup_shape(alpha, np.where(calibrates, labels, NEUTRAL), inputs.offsets)
        index = np.flatnonzero((labels == NEUTRAL) & (region > 0 if forward else region == 0))
        event = np.searchsorted(inputs.offsets, index, side="right") - 1
        neutral = _Neutral(
            inputs.pt[index], inputs.pdg_id[index] == 22, region[index], inputs.n_vertices[event]
        )
        chance = _chance(alpha[index], pileup[event], region[index], tune)
        weights[index] = _cleaned(chance, neutral, tune)
    return weights


def _calibrates(inputs: PuppiInputs, labels: Ints, tune: PuppiTune, *, forward: bool) -> Bools:
    """The tracks with which the distribution of an alpha is measured."""
    track = (labels == PRIMARY) | (labels == PILEUP)
    central = (_regions(inputs) == 0) & (np.abs(inputs.eta) < tune.eta_max_calibration)
    return np.asarray(track & central & (inputs.pt >= tune.pt_min_calibration[int(forward)]))


def pileup_shape(alpha: Floats, labels: Ints, offsets: Ints) -> Floats:
    """How many pileup tracks each event has, and the median and width of their alpha.

    Both are corrected for events with so little pileup that the median lies among the candidates
    of PV 0 (CMSSW: ``PuppiAlgo::computeMedRMS``).

    Args:
        alpha: of all candidates.
        labels: ``PILEUP`` and ``PRIMARY`` where a candidate takes part.
        offsets: of the events.

    Returns:
        Array of shape ``(events, 3)``: number, median, width.
    """
    shape = _measure(alpha, labels, offsets)
    number, median, rms, below = shape.T
    with np.errstate(invalid="ignore"):  # no candidates at all: the number says so
        fraction = below / (below + 0.5 * number)
    quantile = 2.0 * erfinv(np.nan_to_num(fraction)) ** 2  # of chi2, one degree of freedom
    shift = np.sqrt(quantile * rms)
    return np.stack([number, median - shift, rms - shift], axis=1)


@kernel
def _measure(alpha: Floats, labels: Ints, offsets: Ints) -> Floats:
    """Number, median, left-sided rms of pileup; candidates of PV 0 not above the median."""
    result = np.zeros((len(offsets) - 1, 4))
    for event in range(len(offsets) - 1):
        values = alpha[offsets[event] : offsets[event + 1]]
        label = labels[offsets[event] : offsets[event + 1]]
        pileup = np.sort(values[label == PILEUP])
        n = len(pileup)
        if n == 0:
            continue
        last_zero = 0
        for i in range(n):
            if pileup[i] == 0.0:
                last_zero = i
        median = pileup[last_zero + int(0.5 * (n - last_zero))]
        left = pileup[(pileup != 0.0) & (pileup <= median)]
        variance = np.mean((left - median) ** 2) if len(left) > 0 else 0.0
        rms = math.sqrt(variance if variance > 0.0 else 1e-5)
        below = np.sum(values[label == PRIMARY] <= median)
        result[event] = np.array([n, median, rms, below])
    return result


def _regions(inputs: PuppiInputs) -> Ints:
    """0 central, 1 and 2 forward, -1 outside or without pT."""
    region = np.full(len(inputs.eta), -1)
    for i, (low, high) in enumerate(_ETA_RANGES):
        region[(np.abs(inputs.eta) > low) & (np.abs(inputs.eta) < high) & (inputs.pt > 0)] = i
    return region


def _chance(alpha: Floats, pileup: Floats, region: Ints, tune: PuppiTune) -> Floats:
    """Cumulative chi2 distribution of the signed distance; 1 without pileup tracks."""
    number, median, rms = pileup.T
    median = median * np.asarray(tune.median_scale)[region]
    rms = rms * np.asarray(tune.rms_scale)[region]
    distance = np.where(alpha == 0.0, 0.0, alpha - median)
    with np.errstate(divide="ignore", invalid="ignore"):  # a width of 0 means weight 0 or 1
        chi2 = distance * np.abs(distance) / rms**2
    chance = erf(np.sqrt(np.maximum(chi2, 0.0) / 2.0))
    return np.where(number == 0, 1.0, np.nan_to_num(chance))


class _Neutral(NamedTuple):
    pt: Floats
    is_photon: Bools
    region: Ints
    n_vertices: Ints


def _cleaned(weight: Floats, neutral: _Neutral, tune: PuppiTune) -> Floats:
    """Drops soft neutral candidates and protects hard ones; order as in ``PuppiContainer``."""
    threshold = np.asarray(tune.min_neutral_pt)[neutral.region]
    threshold += np.asarray(tune.neutral_pt_slope)[neutral.region] * neutral.n_vertices
    weight = np.where(weight * neutral.pt < threshold, 0.0, weight)
    start, full = tune.neutral_protection
    weight = np.maximum(weight, np.minimum((neutral.pt - start) / (full - start), 1.0))
    if tune.photon_protection > 0.0:
        hard = neutral.is_photon & (neutral.pt > tune.photon_protection) & (neutral.region == 0)
        weight = np.where(hard, 1.0, weight)
    return np.where(weight < tune.min_weight, 0.0, weight)
