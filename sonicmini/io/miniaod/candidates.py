"""Particle-flow candidates and tracks.

Values of ``PFCand`` have gone through the packing (``modules/packing/``) already, so that what the
modules see is what the file holds: ``bits`` truncates nothing further. What follows from other
branches is not stored: the variances of dxy and dsz are the squares of ``dxyErr`` and ``dzErr``,
and ``dz`` to the associated vertex is ``PFCand_dz - PV_z[PFCand_pvIdx] + PV_z[0]``.
"""

from dataclasses import replace

from sonicmini.io.miniaod.parts import integer, p4, real
from sonicmini.io.schema import TRACK, Collection

_COVARIANCE = tuple(
    replace(branch, bits=None, title=f"{branch.title}; 0 without track details")
    for branch in TRACK.branches
    if branch.name.startswith("cov") and branch.name not in ("covDxyDxy", "covDszDsz")
)

PACKED_PFCAND = Collection(
    "PackedPFCand",
    "particle-flow candidates (CMS: packedPFCandidates), in CMS's order",
    "jagged",
    (
        *p4("transverse momentum", None),
        integer("pdgId", "211, 11, 13 and negative; 130, 22; 1 hadronic and 2 electromagnetic HF"),
        integer("charge", "electric charge"),
        integer("pvIdx", "associated vertex in PV, -1 for none"),
        integer(
            "pvAssocQuality", "0 not reconstructed, 1 other, 4 b, 5 dz, 6 loose, 7 tight", "uint8"
        ),
        integer(
            "fromPV",
            "0 used by another vertex, 1 loose, 2 tight, 3 used in the fit of PV 0",
            "uint8",
        ),
        real("dxy", "cm", "transverse impact parameter with respect to the associated vertex"),
        real("dxyErr", "cm", "error of dxy, -1 without track details"),
        real("dz", "cm", "longitudinal impact parameter with respect to PV 0"),
        real("dzErr", "cm", "error of dsz (CMS: dzError), -1 without track details"),
        real("puppiWeight", "", "PUPPI weight"),
        real("puppiWeightNoLep", "", "PUPPI weight without leptons"),
        real("hcalFraction", "", "HCAL energy over ECAL and HCAL energy"),
        real("caloFraction", "", "calorimeter energy over energy, charged candidates and photons"),
        real("rawHcalFraction", "", "the same uncalibrated, isolated charged hadrons only"),
        real("rawCaloFraction", "", "the same uncalibrated, isolated charged hadrons only"),
        integer("isIsolatedChargedHadron", "isolated in the calorimeters and pT > 3 GeV", "bool"),
        integer("isStandAloneMuon", "is a stand-alone muon", "bool"),
        integer("isGlobalMuon", "is a global muon", "bool"),
        integer(
            "lostInnerHits",
            "-1 hit in pixel layer 1, 0 none lost, 1 one, 2 more; neutral -1",
        ),
        integer("highPurity", "the track passes the high-purity selection", "bool"),
        integer("hasTrackDetails", "hits, chi2 and covariance of the track are kept", "bool"),
        integer(
            "covarianceSchema", "8, 264 full without pixels, 520, 776 low quality; 0 electrons"
        ),
        integer("nPixelLayers", "pixel layers with a hit, at most 7", "uint8"),
        integer("nStripLayers", "strip layers with a hit, at most 31", "uint8"),
        integer("nPixelHits", "valid pixel hits", "uint8"),
        integer("nHits", "valid hits", "uint8"),
        integer("normChi2", "chi2 over degrees of freedom of the track fit, truncated", "uint8"),
        real("dTrkPt", "GeV", "pT of the track less pt, 0 below 0.001"),
        real("dTrkEta", "", "pseudorapidity of the track less eta, 0 below 0.001"),
        real("dTrkPhi", "rad", "azimuth of the track less phi"),
        *_COVARIANCE,
    ),
    prefix="PFCand",
)

COLLECTIONS = (PACKED_PFCAND,)
