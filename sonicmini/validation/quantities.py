"""The quantities that ``sonicmini validate`` measures; a name begins with the collection."""

from sonicmini.validation.builders import (
    above,
    found,
    kinematics,
    linear,
    logarithmic,
    number,
    plain,
    resolution,
    response,
    selected,
)
from sonicmini.validation.quantity import Quantity

_DEEPMET = ("DeepMETResolutionTune", "DeepMETResponseTune")
_MET = ("MET", "PuppiMET", "RawMET", "RawPuppiMET", *_DEEPMET, "GenMET")
_JET_FRACTIONS = ("chHEF", "neHEF", "chEmEF", "neEmEF")
_B, _C, _LIGHT = 5, 4, 0  # hadronFlavour
_JET, _TAU = 0, 5  # genPartFlav
_MEDIUM = 5  # working point of Tau_idDeepTau2018v2p5VSjet

QUANTITIES: tuple[Quantity, ...] = (
    # Vertices and candidates
    plain("nPV", "primary vertices", linear(0, 60, 20)),
    plain("PV_ndof", "degrees of freedom of primary vertices", linear(0, 200, 20)),
    plain("nPFCand", "candidates", linear(0, 4000, 20)),
    plain("PFCand_pt", "pT of candidates (GeV)", logarithmic(0.1, 100, 16)),
    plain("PFCand_eta", "eta of candidates", linear(-5, 5, 20)),
    plain("PFCand_pdgId", "identity of candidates", linear(-220, 220, 44)),
    plain("PFCand_puppiWeight", "PUPPI weight", linear(0, 1.05, 21)),
    plain("PFCand_fromPV", "fromPV", linear(-0.5, 3.5, 4)),
    above("PFCand_dxy", 1.0, "dxy of candidates (cm)", linear(-0.1, 0.1, 20)),
    above("PFCand_dz", 1.0, "dz of candidates (cm)", linear(-5, 5, 20)),
    plain("nLostTrack", "lost tracks", linear(0, 100, 20)),
    number("IsoTrack", 10.0, linear(-0.5, 9.5, 10)),
    # Secondary vertices
    plain("nSV", "secondary vertices", linear(-0.5, 14.5, 15)),
    plain("SV_pt", "pT of secondary vertices (GeV)", logarithmic(1, 300, 12)),
    plain("SV_mass", "mass of secondary vertices (GeV)", linear(0, 8, 16)),
    plain("SV_ntracks", "tracks of secondary vertices", linear(1.5, 11.5, 10)),
    plain("SV_dlenSig", "significance of the flight length", logarithmic(3, 300, 12)),
    plain("nV0", "K0s and Lambda candidates", linear(-0.5, 14.5, 15)),
    plain("V0_mass", "mass of K0s and Lambda candidates (GeV)", linear(0.44, 1.16, 18)),
    # Jets
    *(one for name in ("Jet", "JetCHS") for one in kinematics(name, 30.0, 500.0)),
    *(above(f"Jet_{name}", 30.0, name, linear(0, 1, 10)) for name in _JET_FRACTIONS),
    above("Jet_nConstituents", 30.0, "constituents of jets", linear(0, 100, 20)),
    above("Jet_mass", 30.0, "mass of jets (GeV)", linear(0, 60, 15)),
    response("Jet", "GenJet", 30.0, 60.0),
    response("Jet", "GenJet", 60.0, 200.0),
    response("JetCHS", "GenJet", 30.0, 60.0),
    response("JetCHS", "GenJet", 60.0, 200.0),
    *kinematics("FatJet", 170.0, 1000.0),
    above("FatJet_msoftdrop", 170.0, "soft-drop mass (GeV)", linear(0, 250, 25)),
    above("FatJet_tau1", 170.0, "tau1", linear(0, 0.8, 16)),
    above("FatJet_tau2", 170.0, "tau2", linear(0, 0.6, 12)),
    above("FatJet_tau3", 170.0, "tau3", linear(0, 0.4, 8)),
    above("FatJet_n2b1", 170.0, "N2, beta 1", linear(0, 0.5, 10)),
    plain("Rho_fixedGridRhoFastjetAll", "rho (GeV)", linear(0, 50, 20)),
    # Leptons, photons, taus
    *(one for name in ("Muon", "Electron", "Photon") for one in kinematics(name, 10.0, 200.0)),
    above("Muon_pfRelIso04_all", 20.0, "relative isolation of muons", linear(0, 1, 10)),
    above("Muon_miniPFRelIso_all", 20.0, "relative mini-isolation of muons", linear(0, 1, 10)),
    above("Muon_sip3d", 20.0, "3D impact parameter significance", linear(0, 10, 10)),
    above("Electron_pfRelIso03_all", 20.0, "relative isolation of electrons", linear(0, 1, 10)),
    found("Muon", 13),
    found("Electron", 11),
    found("Photon", 22),
    *kinematics("Tau", 20.0, 200.0),
    above("Tau_decayMode", 20.0, "decay mode of taus", linear(-0.5, 11.5, 12)),
    above("Tau_mass", 20.0, "mass of taus (GeV)", linear(0, 2, 20)),
    above("Tau_rawIso", 20.0, "isolation of taus (GeV)", linear(0, 20, 10)),
    # Missing momentum
    *(plain(f"{name}_pt", f"{name} (GeV)", linear(0, 200, 20)) for name in _MET),
    *(resolution(name) for name in _MET if name != "GenMET"),
    plain("MET_significance", "significance of MET", linear(0, 60, 20)),
    # Networks
    *(
        above(f"{jets}_btagPNet{name}", 30.0, f"ParticleNet {name}", linear(0, 1, 10))
        for jets in ("Jet", "JetCHS")
        for name in ("B", "CvL", "CvB", "QvG")
    ),
    *(selected("Jet_btagPNetB", 0.5, "hadronFlavour", one, 30.0) for one in (_B, _C, _LIGHT)),
    selected("Jet_btagPNetCvL", 0.5, "hadronFlavour", _C, 30.0),
    *(
        above(f"FatJet_particleNet_{name}", 170.0, f"ParticleNet {name}", linear(0, 1, 10))
        for name in ("TvsQCD", "WvsQCD", "ZvsQCD", "HbbvsQCD", "H4qvsQCD")
    ),
    *(
        above(f"FatJet_particleNetMD_{name}", 170.0, f"ParticleNet MD {name}", linear(0, 1, 10))
        for name in ("XbbvsQCD", "XccvsQCD", "XqqvsQCD")
    ),
    above("FatJet_particleNet_mass", 170.0, "mass by ParticleNet (GeV)", linear(0, 250, 25)),
    *(
        above(f"Tau_rawDeepTau2018v2p5VS{name}", 20.0, f"DeepTau VS{name}", linear(0, 1, 10))
        for name in ("e", "mu", "jet")
    ),
    *(
        selected("Tau_idDeepTau2018v2p5VSjet", _MEDIUM, "genPartFlav", one, 20.0)
        for one in (_TAU, _JET)
    ),
    # Truth
    number("GenJet", 20.0, linear(-0.5, 14.5, 15)),
    plain("GenJet_hadronFlavour", "flavour of generated jets", linear(-0.5, 5.5, 6)),
    plain("nGenPart", "pruned generated particles", linear(0, 400, 20)),
    number("GenVisTau", 20.0, linear(-0.5, 4.5, 5)),
)
