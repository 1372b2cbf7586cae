"""The columns of taus."""

import awkward as ak
import numpy as np

from sonicmini.event import Products
from sonicmini.modules.clustering import polar
from sonicmini.modules.columns import Columns, Floats, Ints, flat
from sonicmini.modules.taus.choice import Taus
from sonicmini.modules.taus.isolation import TauAxes, isolation_sums
from sonicmini.modules.taus.lifetime import flight_columns, impact_columns, tracks_near
from sonicmini.modules.taus.members import Around, Members, Reconstructed
from sonicmini.modules.taus.modes import OLD_MODES
from sonicmini.modules.taus.quality import nearest_vertex
from sonicmini.modules.taus.selection import signal_cone
from sonicmini.modules.taus.shapes import (
    Shape,
    angle_difference,
    energy_columns,
    eta_at_ecal,
    photon_columns,
)


def tau_columns(
    taus: Taus, members: Members, around: Around, of: Reconstructed, inputs: Products
) -> Columns:
    """All that the product ``HPSTau`` holds, each column of shape ``(taus,)``.

    Args:
        taus: by event.
        members: of the taus.
        around: candidates within 0.8 of each.
        of: what they were made from.
        inputs: ``PFCand``, ``Track`` and ``SlimmedPV``.
    """
    candidates, vertices, lead = of.candidates, of.vertices, taus.hadron[:, 0]
    event = of.seeds.event[taus.seed]
    vertex = nearest_vertex(lead, event, of=candidates, vertices=vertices)
    columns: Columns = polar(taus.p4, np.float64)
    pt, eta, phi = (columns[name] for name in ("pt", "eta", "phi"))
    number = (taus.hadron >= 0).sum(axis=1)
    built = 5 * (number - 1) + (taus.strip >= 0).sum(axis=1)
    columns |= {
        "charge": taus.charge,
        "decayMode": taus.mode,
        "decayModeFindingNewDMs": taus.passes,
        "decayModeFinding": taus.passes & np.isin(built, OLD_MODES),
        "jetIdx": of.seeds.jet[taus.seed],
        "pvIdx": vertex - vertices.offsets[event],
        "signalConeSize": signal_cone(pt),
        "leadCandIdx": lead - candidates.offsets[event],
        "leadPt": candidates.pt[lead],
        "leadEta": candidates.eta[lead],
        "leadPhi": candidates.phi[lead],
        "leadingTrackNormChi2": candidates.norm_chi2[lead],
        "leadEtaAtEcal": eta_at_ecal(inputs["Track"], candidates.track[lead]),
    }
    axes = TauAxes(pt, eta, phi, taus.mode, vertex, event)
    columns |= isolation_sums(axes, members, around, of=candidates, vertices=vertices)
    columns |= photon_columns(Shape(pt, eta, phi, taus.mode), members, candidates)
    columns |= energy_columns(members, inputs["PFCand"], len(pt))
    columns |= _lifetime(taus, of, inputs, event)
    flight = np.stack([columns[f"flightLength{axis}"] for axis in "XYZ"], axis=1)
    has = columns["hasSecondaryVertex"]
    return columns | {"gjAngleDiff": angle_difference(taus.p4, flight, has)}


def _lifetime(taus: Taus, of: Reconstructed, inputs: Products, event: Ints) -> Columns:
    """Impact parameters and flight with respect to PV 0."""
    tracks, track = inputs["Track"], np.append(of.candidates.track, -1)
    first = of.vertices.offsets[event]
    at = _positions(inputs["SlimmedPV"])[first]
    vertex = (at, _covariances(inputs["SlimmedPV"])[first])
    direction = taus.p4[:, :3]
    columns = impact_columns(tracks_near(tracks, track[taus.hadron[:, 0]], at), vertex, direction)
    return columns | flight_columns(tracks, track[taus.hadron], vertex, direction)


def _positions(vertices: ak.Array) -> Floats:
    """Positions of all vertices, shape ``(vertices, 3)``."""
    return np.stack([flat(vertices, axis) for axis in "xyz"], axis=1)


def _covariances(vertices: ak.Array) -> Floats:
    """Covariances of all vertices, shape ``(vertices, 3, 3)``."""
    rows = (("XX", "XY", "XZ"), ("XY", "YY", "YZ"), ("XZ", "YZ", "ZZ"))
    return np.stack(
        [np.stack([flat(vertices, f"cov{name}") for name in row], axis=1) for row in rows], axis=1
    )
