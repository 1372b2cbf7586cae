"""Isolation sums of taus and the working points cut on them.

CMSSW: ``PFRecoTauDiscriminationByIsolation`` with the settings of ``HPSPFTaus_cff``. Charged
candidates of other vertices estimate the photons from pileup in the cone.
"""

import math
from typing import NamedTuple

import numpy as np

from sonicmini.modules.columns import Bools, Columns, Floats, Ints, kernel
from sonicmini.modules.taus.inputs import Candidates, chosen, delta_r
from sonicmini.modules.taus.members import (
    ISO_CHARGED,
    ISO_GAMMA,
    ISO_NEUTRAL,
    SIGNAL_GAMMA,
    Around,
    Members,
)
from sonicmini.modules.taus.quality import (
    ISOLATION_CUTS,
    good_tracks,
    impact_parameters,
    passes,
)
from sonicmini.modules.taus.selection import signal_cone
from sonicmini.modules.tracks import Vertices

CONES = {"": 0.5, "dR03": 0.3}
"""Radii of the isolation cones, by the ending of CMS's names."""
DELTA_BETA = {"": 0.2, "dR03": 0.072}
"""What of the pileup's charged sum is taken off the photons'; the latter is 0.2 (0.3/0.5)^2."""
MAX_ISOLATION = {"Loose": 2.5, "Medium": 1.5, "Tight": 0.8}
"""Largest combined isolation (GeV) of the working points."""
MAX_OUTSIDE = 0.1
"""Largest photon pT outside the signal cone over the tau's pT, for the working points."""

_MIN_DR2 = 1e-12  # candidates in the same direction


class TauAxes(NamedTuple):
    """Taus as the isolation sees them, each column of shape ``(taus,)``.

    Attributes:
        pt: in GeV; also ``eta``, ``phi``.
        mode: decay mode.
        vertex: nearest to the hardest hadron, among those of all events.
        event: of each.
    """

    pt: Floats
    eta: Floats
    phi: Floats
    mode: Ints
    vertex: Ints
    event: Ints


def raw_sum(members: Members, candidates: Candidates, n_taus: int) -> Floats:
    """Sum of pT (GeV) of charged hadrons and photons around each tau, to rank equal taus."""
    counted = (members.role == ISO_CHARGED) | (members.role == ISO_GAMMA)
    weights = np.where(counted, candidates.pt[members.candidate], 0.0)
    return _sums(members.tau, weights, n_taus)


def isolation_sums(
    taus: TauAxes, members: Members, around: Around, *, of: Candidates, vertices: Vertices
) -> Columns:
    """All sums of pT in GeV, and what is cut on them.

    Args:
        taus: by event.
        members: of the taus.
        around: candidates within 0.8 of each.
        of: the candidates.
        vertices: of all events.
    """
    tau, candidate, role = members
    pt = of.pt[candidate]
    distance = delta_r((of.eta[candidate], taus.eta[tau]), (of.phi[candidate], taus.phi[tau]))
    good = passes(candidate, taus.vertex[tau], ISOLATION_CUTS, of=of, vertices=vertices)
    gamma = good & (role == ISO_GAMMA)
    weighted = np.zeros(len(pt))
    weighted[gamma] = pt[gamma] * _weights(taus, tau[gamma], candidate[gamma], of, vertices)
    outside = (role == SIGNAL_GAMMA) & (distance > signal_cone(taus.pt)[tau])

    def total(values: Floats, mask: Bools) -> Floats:
        return _sums(tau[mask], values[mask], len(taus.pt))

    pileup = _pileup_sum(taus, around, of, vertices)
    columns: Columns = {
        "puCorrPtSum": pileup,
        "photonPtSumOutsideSignalCone": total(pt, outside),
        "footprintCorrection": footprint_correction(taus.mode, taus.pt),
    }
    raw = {}
    for name, cone in CONES.items():
        charged = total(pt, good & (role == ISO_CHARGED) & (distance < cone))
        neutral = total(pt, gamma & (distance < cone))
        columns[f"chargedIsoPtSum{name}"] = charged
        columns[f"neutralIsoPtSum{name}"] = neutral
        hadrons = (role == ISO_NEUTRAL) & (distance < cone)
        columns[f"neutralHadronIsoPtSum{name}"] = total(pt, hadrons)
        columns[f"neutralIsoPtSumWeight{name}"] = total(weighted, gamma & (distance < cone))
        raw[name] = charged + np.maximum(neutral - DELTA_BETA[name] * pileup, 0.0)
    columns["byCombinedIsolationDeltaBetaCorrRaw3Hits"] = raw[""]
    columns["rawIsodR03"] = raw["dR03"]
    compact = columns["photonPtSumOutsideSignalCone"] <= MAX_OUTSIDE * taus.pt
    columns["byPhotonPtSumOutsideSignalCone"] = compact
    for name, limit in MAX_ISOLATION.items():
        columns[f"by{name}CombinedIsolationDeltaBetaCorr3Hits"] = compact & (raw[""] <= limit)
    return columns


def footprint_correction(mode: Ints, pt: Floats) -> Floats:
    """What leaks from the tau into its isolation cone (GeV)."""
    three = np.maximum(2.0, 0.22 * pt - 2.0)
    return np.select([mode == 5, mode == 10], [np.full(len(pt), 2.7), three], 0.0)


def _pileup_sum(taus: TauAxes, around: Around, of: Candidates, vertices: Vertices) -> Floats:
    """Sum of pT (GeV) of charged candidates far along the beam from the tau's vertex."""
    tau, candidate = around.tau, around.candidate
    good = good_tracks(candidate, of, ISOLATION_CUTS) & (taus.vertex[tau] >= 0)
    tau, candidate = chosen(good, tau, candidate)
    dxy, dz = impact_parameters(candidate, taus.vertex[tau], of=of, vertices=vertices)
    pileup = (np.abs(dxy) <= ISOLATION_CUTS.max_dxy) & (np.abs(dz) > ISOLATION_CUTS.max_dz)
    tau, candidate = chosen(pileup, tau, candidate)
    return _sums(tau, of.pt[candidate], len(taus.pt))


def _sums(tau: Ints, values: Floats, n_taus: int) -> Floats:
    """Sum of the values of each tau."""
    return np.bincount(tau, values, minlength=n_taus).astype(np.float64)


def _weights(
    taus: TauAxes, tau: Ints, candidate: Ints, of: Candidates, vertices: Vertices
) -> Floats:
    """How likely photons are not from pileup, by the charged candidates around them.

    The share of the tau's vertex in the sum of log(pT/dR), where that is positive, over all charged
    candidates of the event. Candidates with a charge count in full.
    """
    charged = np.flatnonzero((of.charge != 0) & (of.track >= 0))
    starts = np.searchsorted(charged, of.offsets)
    return _log_shares(taus, (tau, candidate), (charged, starts), of, vertices)


@kernel
def _log_shares(
    taus: TauAxes,
    pairs: tuple[Ints, Ints],
    charged: tuple[Ints, Ints],
    candidates: Candidates,
    vertices: Vertices,
) -> Floats:
    tau, photon = pairs
    index, starts = charged
    result = np.ones(len(tau))
    last, is_near = -1, np.empty(0, np.bool_)
    for i in range(len(tau)):
        p, t = photon[i], tau[i]
        if candidates.charge[p] != 0:
            continue
        of_event = index[starts[taus.event[t]] : starts[taus.event[t] + 1]]
        if t != last:
            last, is_near = t, _near_vertex(of_event, taus.vertex[t], candidates, vertices)
        sums = _log_sums(p, of_event, is_near, candidates)
        if sums[0] + sums[1] > 0:
            result[i] = sums[0] / (sums[0] + sums[1])
    return result


@kernel
def _near_vertex(of_event: Ints, v: int, candidates: Candidates, vertices: Vertices) -> Bools:
    """Charged candidates near a vertex along the beam."""
    result = np.empty(len(of_event), np.bool_)
    for k in range(len(of_event)):
        c = of_event[k]
        dx, dy = candidates.vx[c] - vertices.x[v], candidates.vy[c] - vertices.y[v]
        along = dx * candidates.cos_phi[c] + dy * candidates.sin_phi[c]
        dz = candidates.vz[c] - vertices.z[v] - along * candidates.cot[c]
        result[k] = abs(dz) <= ISOLATION_CUTS.max_dz
    return result


@kernel
def _log_sums(
    p: int, of_event: Ints, is_near: Bools, candidates: Candidates
) -> tuple[float, float]:
    """Sums of log(pT^2/dR^2) over candidates near the vertex and over the others."""
    near, far = 0.0, 0.0
    near_product, far_product = 1.0, 1.0
    for k in range(len(of_event)):
        c = of_event[k]
        d_phi = abs(candidates.phi[c] - candidates.phi[p])
        d_phi = min(d_phi, 2.0 * math.pi - d_phi)
        dr2 = (candidates.eta[c] - candidates.eta[p]) ** 2 + d_phi * d_phi
        pt2 = candidates.pt[c] ** 2
        if pt2 > dr2:
            ratio = pt2 / max(dr2, _MIN_DR2)
            if is_near[k]:
                near_product *= ratio
            else:
                far_product *= ratio
        if max(near_product, far_product) > 1e200:  # a logarithm of products is one of few
            near += math.log(near_product)
            far += math.log(far_product)
            near_product, far_product = 1.0, 1.0
    return near + math.log(near_product), far + math.log(far_product)
