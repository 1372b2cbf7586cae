"""Tracks that no candidate uses, and isolated ones.

Values of ``LostTrack`` have gone through the packing of candidates already.
"""

from dataclasses import replace

from sonicmini.io.miniaod.candidates import PACKED_PFCAND
from sonicmini.io.miniaod.parts import integer, real
from sonicmini.io.schema import Collection

_NOT_OF_TRACKS = (
    *("puppiWeight", "puppiWeightNoLep"),
    *("hcalFraction", "caloFraction", "rawHcalFraction", "rawCaloFraction"),
    *("isIsolatedChargedHadron", "isStandAloneMuon", "isGlobalMuon"),
    *("dTrkPt", "dTrkEta", "dTrkPhi"),
)
_TITLES = {
    "pdgId": "211 times charge, -13 times charge for inner tracks of muons",
    "mass": "that of a pion",
    "lostInnerHits": "-1 hit in pixel layer 1, 0 none lost, 1 one, 2 more",
    "covarianceSchema": "8, 264 full without pixels, 520, 776 low quality; 0 K0s and Lambda",
}

LOST_TRACK = Collection(
    "LostTrack",
    "tracks that no candidate uses (CMS: lostTracks), packed like candidates",
    "jagged",
    tuple(
        replace(branch, title=_TITLES.get(branch.name, branch.title))
        for branch in PACKED_PFCAND.branches
        if branch.name not in _NOT_OF_TRACKS
    ),
)

ISO_TRACK = Collection(
    "IsoTrack",
    "isolated tracks of pT above 5 GeV (CMS: isolatedTracks), those of candidates first",
    "jagged",
    (
        real("pt", "GeV", "transverse momentum"),
        real("eta", "", "pseudorapidity"),
        real("phi", "rad", "azimuth"),
        integer("charge", "electric charge"),
        integer("pdgId", "that of the candidate; lost tracks 211 or 13, with sign"),
        real("dxy", "cm", "transverse impact parameter with respect to the associated vertex"),
        real("dxyErr", "cm", "error of dxy, -1 without track details"),
        real("dz", "cm", "longitudinal impact parameter with respect to PV 0"),
        real("dzErr", "cm", "error of dsz (CMS: dzError), -1 without track details"),
        integer("fromPV", "as of PFCand", "uint8"),
        integer("isPFcand", "of a candidate", "bool"),
        integer("isFromLostTrack", "of a lost track", "bool"),
        integer("isHighPurityTrack", "passes the high-purity selection", "bool"),
        real("pfRelIso03_chg", "", "isolation over pT, R = 0.3, charged hadrons of PV 0", 10),
        real("pfRelIso03_all", "", "the same, all, less half of charged pileup", 10),
        real("miniPFRelIso_chg", "", "mini-isolation over pT, charged hadrons of PV 0", 10),
        real("miniPFRelIso_all", "", "the same, all, less half of charged pileup", 10),
        integer("pfCandIdx", "candidate in PFCand, -1 for none"),
        integer("lostTrackIdx", "track in LostTrack, -1 for none"),
    ),
)

COLLECTIONS = (LOST_TRACK, ISO_TRACK)
