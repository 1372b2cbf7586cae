"""Truth, and what reconstructed objects are in it.

Matches are stored as columns beside those of the objects that are matched.
"""

from dataclasses import replace

from sonicmini.io.miniaod.met import vector
from sonicmini.io.miniaod.parts import integer, p4, real
from sonicmini.io.schema import AOD, Branch, Collection

_FLAVOURS = (
    integer("partonFlavour", "PDG code of the hardest b, else c, else other parton; 0 for none"),
    integer("hadronFlavour", "5 with a b hadron, 4 with a c hadron and no b, else 0", "uint8"),
    integer("nBHadrons", "b hadrons clustered as ghosts", "uint8"),
    integer("nCHadrons", "c hadrons clustered as ghosts", "uint8"),
)

_MOTHER = integer("genPartIdxMother", "nearest ancestor in GenPart, -1 for none")

PRUNED = replace(
    AOD["GenPart"],
    product="PrunedGenPart",
    title="generated particles by rules (CMS: prunedGenParticles), mothers before daughters",
    branches=tuple(
        _MOTHER if branch.name == _MOTHER.name else branch for branch in AOD["GenPart"].branches
    ),
)

PACKED = Collection(
    "PackedGenPart",
    "stable generated particles with abs(y) < 6 (CMS: packedGenParticles)",
    "jagged",
    (
        real("pt", "GeV", "transverse momentum, packed"),
        real("eta", "", "pseudorapidity, packed"),
        real("phi", "rad", "azimuth, packed"),
        real("mass", "GeV", "mass, packed"),
        integer("pdgId", "PDG code", "int32"),
        _MOTHER,
    ),
)


def _gen_jets(product: str, title: str) -> Collection:
    return Collection(product, title, "jagged", p4("transverse momentum", 12))


SUBJETS = Collection(
    "SubGenJetAK8",
    "soft-drop subjets of GenJetAK8",
    "jagged",
    (
        *p4("transverse momentum", 12),
        integer("genJetAK8Idx", "their jet in GenJetAK8"),
    ),
)

VISIBLE_TAUS = Collection(
    "GenVisTau",
    "visible decay products of taus that decay into hadrons",
    "jagged",
    (
        *p4("transverse momentum", 10),
        integer("charge", "electric charge"),
        integer("status", "decay mode: 0, 1, 2 one prong and pi0, 10, 11 three, 15 other", "uint8"),
        integer("genPartIdxMother", "the tau in GenPart"),
    ),
)


def _beside(product: str, prefix: str, *branches: Branch) -> Collection:
    title = f"{prefix} at generator level"
    return Collection(product, title, "jagged", branches, prefix=prefix)


def _jet_match(prefix: str, generated: str) -> Collection:
    index = f"{generated[0].lower()}{generated[1:]}Idx"
    nearest = integer(index, f"its generated jet in {generated}, -1 for none")
    return _beside(f"{prefix}GenMatch", prefix, nearest, *_FLAVOURS)


def _lepton_match(prefix: str, flavour: str, *more: Branch) -> Collection:
    return _beside(
        f"{prefix}GenMatch",
        prefix,
        integer("genPartIdx", "the particle in GenPart, -1 for none"),
        integer("genPartFlav", flavour, "uint8"),
        *more,
    )


_ORIGINS = "15 from prompt tau, 5 from b, 4 from c, 3 other, 0 unmatched"

COLLECTIONS = (
    AOD["Pileup"],
    AOD["Generator"],
    PRUNED,
    PACKED,
    _gen_jets("GenJet", "anti-kT jets, R = 0.4, of stable particles without neutrinos"),
    _beside("GenJetFlavour", "GenJet", *_FLAVOURS),
    _gen_jets("GenJetAK8", "anti-kT jets, R = 0.8, of stable particles without neutrinos"),
    _beside("GenJetAK8Flavour", "GenJetAK8", *_FLAVOURS),
    SUBJETS,
    VISIBLE_TAUS,
    Collection("GenMET", "transverse momentum of the neutrinos", "single", vector()),
    _jet_match("Jet", "GenJet"),
    _jet_match("JetCHS", "GenJet"),
    _jet_match("FatJet", "GenJetAK8"),
    _beside("SubJetGenMatch", "SubJet", *_FLAVOURS),
    _lepton_match("Muon", f"1 prompt, {_ORIGINS}"),
    _lepton_match("Electron", f"1 prompt, 22 prompt photon, {_ORIGINS}"),
    _lepton_match("Photon", "1 prompt photon, 11 prompt electron, 0 else"),
    _lepton_match(
        "Tau",
        "1 prompt electron, 2 muon, 3 electron, 4 muon from prompt tau, 5 hadronic tau, 0 else",
        integer("genVisTauIdx", "the visible tau in GenVisTau, -1 for none"),
    ),
)
