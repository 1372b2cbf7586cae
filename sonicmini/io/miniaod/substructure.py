"""Substructure of large jets."""

from sonicmini.io.miniaod.parts import integer, p4, real
from sonicmini.io.schema import Collection

_TAUS = tuple(real(f"tau{n}", "", f"N-subjettiness, {n} axes", 10) for n in (1, 2, 3, 4))

FAT_JET_SUBSTRUCTURE = Collection(
    "FatJetSubstructure",
    "substructure of FatJet; -1 where it is not computed",
    "jagged",
    (
        real("msoftdrop", "GeV", "soft-drop mass, of corrected subjets", 10),
        *_TAUS,
        real("n2b1", "", "N2 of the groomed jet, beta = 1", 10),
        real("n2b2", "", "N2 of the groomed jet, beta = 2", 10),
        real("n3b1", "", "N3 of the groomed jet above 250 GeV, beta = 1", 10),
        real("n3b2", "", "N3 of the groomed jet above 250 GeV, beta = 2", 10),
        integer("subJetIdx1", "subjet of higher pT in SubJet, -1 for none"),
        integer("subJetIdx2", "the other subjet in SubJet, -1 for none"),
    ),
    prefix="FatJet",
)

SUB_JET = Collection(
    "SubJet",
    "soft-drop subjets of FatJet (CMS: slimmedJetsAK8PFPuppiSoftDropPacked)",
    "jagged",
    (
        *p4("transverse momentum", 12),
        real("rawFactor", "", "1 - factor to the uncorrected momentum", 10),
        *_TAUS,
        real("n2b1", "", "N2, beta = 1", 10),
        real("n3b1", "", "N3, beta = 1", 10),
        integer("fatJetIdx", "its jet in FatJet"),
    ),
)

COLLECTIONS = (FAT_JET_SUBSTRUCTURE, SUB_JET)
