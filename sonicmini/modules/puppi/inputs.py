"""What PUPPI starts from: parameters, candidates, and their labels (CMSSW: ``PuppiProducer``)."""

from typing import NamedTuple

import numpy as np

from sonicmini.modules.columns import Floats, Ints

NEUTRAL, PRIMARY, PILEUP, LEPTON = 0, 1, 2, 3
"""Labels of candidates: weighted; weight 1; weight 0; weight 1, but no neighbour of PV 0."""


class PuppiTune(NamedTuple):
    """Parameters of PUPPI. Triples are for abs(eta) in 0-2.5, 2.5-3 and 3-10, bounds excluded.

    Attributes:
        cone: radius of the neighbourhood in rapidity and azimuth, at most 1.
        eta_max_calibration: charged candidates within it measure the distributions.
        pt_min_calibration: their least pT (GeV) for the central and the forward alpha.
        min_neutral_pt: least weighted pT (GeV) of neutral candidates without any vertex.
        neutral_pt_slope: what each good vertex adds to it (GeV).
        rms_scale: factors on the width of alpha.
        median_scale: factors on the median of alpha.
        neutral_protection: neutral candidates of the first pT (GeV) have a least weight of 0,
            which rises linearly to 1 at the second.
        photon_protection: photons in abs(eta) < 2.5 above this pT (GeV) have weight 1; 0: none.
        min_weight: lower weights become 0.
    """

    cone: float = 0.4
    eta_max_calibration: float = 2.0
    pt_min_calibration: tuple[float, float] = (0.1, 0.5)
    min_neutral_pt: tuple[float, float, float] = (0.2, 1.7, 2.0)
    neutral_pt_slope: tuple[float, float, float] = (0.015, 0.08, 0.08)
    rms_scale: tuple[float, float, float] = (1.0, 1.20, 0.95)
    median_scale: tuple[float, float, float] = (1.0, 0.90, 0.75)
    neutral_protection: tuple[float, float] = (20.0, 200.0)
    photon_protection: float = 0.0
    min_weight: float = 0.01


DEFAULT_TUNE = PuppiTune()


class PuppiInputs(NamedTuple):
    """What PUPPI knows of the candidates, shape ``(candidates,)``, and events; GeV, cm, radian.

    Attributes:
        from_pv: charged: 3 used in the fit of PV 0, 0 of another vertex, else 2 if PV 0 is the
            nearest vertex in z and 1 if it is not.
        dz: charged: distance to PV 0 along the beam.
        offsets: of the events, shape ``(events + 1,)``.
        n_vertices: good vertices of each event, shape ``(events,)``.
    """

    pt: Floats
    eta: Floats
    phi: Floats
    mass: Floats
    pdg_id: Ints
    charge: Ints
    from_pv: Ints
    dz: Floats
    offsets: Ints
    n_vertices: Ints


def puppi_labels(
    inputs: PuppiInputs,
    *,
    pt_max_charged: float = 20.0,
    eta_min_dz: float = 2.4,
    dz_max: float = 0.3,
    no_lep: bool = False,
) -> Ints:
    """Sorts candidates into the four labels.

    Args:
        inputs: the candidates.
        pt_max_charged: charged candidates of no vertex are of PV 0 above this pT (GeV),
        eta_min_dz: or, at this abs(eta) and beyond,
        dz_max: closer than this to PV 0 (cm).
        no_lep: label electrons and muons ``LEPTON``.
    """
    charged = inputs.charge != 0
    near = (np.abs(inputs.eta) >= eta_min_dz) & (np.abs(inputs.dz) < dz_max)
    rescued = (inputs.pt > pt_max_charged) | near
    unused = (inputs.from_pv == 1) | (inputs.from_pv == 2)
    lepton = np.isin(np.abs(inputs.pdg_id), (11, 13)) & no_lep
    choices = [
        (~charged, NEUTRAL),
        (lepton, LEPTON),
        (inputs.from_pv == 0, PILEUP),
        (inputs.from_pv == 3, PRIMARY),
        (unused & rescued, PRIMARY),
    ]
    conditions, labels = zip(*choices, strict=True)
    return np.asarray(np.select(conditions, labels, NEUTRAL), dtype=np.int64)
