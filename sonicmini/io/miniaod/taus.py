"""Hadronic taus."""

from sonicmini.io.miniaod.parts import integer, p4, real
from sonicmini.io.schema import Collection

_ISOLATION = (
    real("chargedIso", "GeV", "pT of charged hadrons around the tau, dR < 0.5", 10),
    real("chargedIsodR03", "GeV", "the same, dR < 0.3", 10),
    real("neutralIso", "GeV", "pT of photons around the tau, dR < 0.5", 10),
    real("neutralIsodR03", "GeV", "the same, dR < 0.3", 10),
    real("neutralIsoWeight", "GeV", "photons weighted against pileup, dR < 0.5", 10),
    real("neutralIsoWeightdR03", "GeV", "the same, dR < 0.3", 10),
    real("puCorr", "GeV", "pT of charged candidates of pileup, dR < 0.8", 10),
    real("rawIso", "GeV", "combined isolation, less 0.2 puCorr (CMS: by...Raw3Hits)", 10),
    real("rawIsodR03", "GeV", "the same, dR < 0.3, less 0.072 puCorr", 10),
    real("photonsOutsideSignalCone", "GeV", "pT of the tau's photons outside the signal cone", 10),
    real("footprintCorrection", "GeV", "what leaks into the isolation cone", 10),
    integer("idCombinedIso", "working points of rawIso: 1 loose, 2 medium, 4 tight", "uint8"),
)

_LIFETIME = (
    real("dxy", "cm", "transverse impact parameter of the leading track to PV 0", 10),
    real("dxyErr", "cm", "its error", 10),
    real("dz", "cm", "longitudinal impact parameter of the leading track to PV 0", 14),
    real("dzErr", "cm", "its error", 10),
    real("ipDxy", "cm", "transverse impact parameter, positive on the side of the flight", 10),
    real("ipDxyErr", "cm", "its error, with that of PV 0", 10),
    real("ip3d", "cm", "impact parameter in space, positive on the side of the flight", 10),
    real("ip3dErr", "cm", "its error, with that of PV 0", 10),
    integer("hasSecondaryVertex", "made of three charged hadrons", "bool"),
    *(real(f"sv{axis}", "cm", f"vertex of three hadrons, {axis.lower()}", 14) for axis in "XYZ"),
    *(
        real(f"svCov{axes}", "cm2", "covariance of the vertex of three hadrons", 10)
        for axes in ("XX", "YY", "ZZ", "XY", "XZ", "YZ")
    ),
    real("svChi2", "", "chi2 of this vertex, three degrees of freedom", 8),
    *(
        real(f"flightLength{axis}", "cm", f"from PV 0 to this vertex, {axis.lower()}", 10)
        for axis in "XYZ"
    ),
    real("flightLengthSig", "", "length of the flight over its error, -9.9 without vertex", 10),
    real("gjAngleDiff", "rad", "Gottfried-Jackson angle less the largest possible, -1 none", 10),
)

_SHAPE = (
    real("leadTkPtOverTauPt", "", "pT of the leading charged hadron over that of the tau", 10),
    real("leadTkDeltaEta", "", "pseudorapidity of the leading charged hadron less eta", 8),
    real("leadTkDeltaPhi", "rad", "azimuth of the leading charged hadron less phi", 8),
    real("leadTkNormChi2", "", "chi2 over degrees of freedom of the leading track", 8),
    real("leadTkEtaAtEcalMinusEta", "", "leading track's eta at the ECAL less eta", 10),
    real("ptWeightedDetaStrip", "", "distance in eta of the photons of strips, by pT", 10),
    real("ptWeightedDphiStrip", "rad", "the same in phi", 10),
    real("ptWeightedDrSignal", "", "distance of photons in the signal cone, by pT", 10),
    real("ptWeightedDrIso", "", "distance of photons around the tau, by pT", 10),
    integer("nPhotons", "photons and electrons in and around the tau above 0.5 GeV"),
    real("eRatio", "", "ECAL energy over ECAL and HCAL energy of the tau, -1 for none", 10),
    real("emFraction", "", "the same with what is around the tau", 10),
)

TAU = Collection(
    "SlimmedTau",
    "hadronic taus by HPS (CMS: slimmedTaus), pT > 18 GeV with a decay mode",
    "jagged",
    (
        *p4("transverse momentum", 10),
        integer("charge", "electric charge"),
        integer("decayMode", "5 (charged hadrons - 1) + neutral pions"),
        integer("idDecayModeOldDMs", "one hadron and up to two strips, or three and none", "bool"),
        integer("idDecayModeNewDMs", "these, two hadrons, and three with a strip", "bool"),
        integer("pvIdx", "vertex in PV nearest to the leading track along the beam"),
        *_SHAPE,
        *_ISOLATION,
        *_LIFETIME,
    ),
    prefix="Tau",
)

TAU_PFCAND = Collection(
    "TauPFCand",
    "candidates of taus: one entry for each pair of tau and candidate, the leading one first",
    "jagged",
    (
        integer("tauIdx", "tau in Tau"),
        integer("pfCandIdx", "candidate in PFCand"),
        integer(
            "role",
            "of the tau: 0 charged, 1 photon or electron, 2 neutral hadron; around it: 3, 4, 5",
            "uint8",
        ),
    ),
)

COLLECTIONS = (TAU, TAU_PFCAND)
