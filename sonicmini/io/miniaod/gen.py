"""Truth."""

from sonicmini.io.miniaod.met import met
from sonicmini.io.miniaod.parts import p4
from sonicmini.io.schema import AOD, Collection

COLLECTIONS = (
    AOD["Pileup"],
    AOD["Generator"],
    AOD["GenPart"],
    Collection(
        "GenJet",
        "anti-kT jets, R = 0.4, of stable generated particles without neutrinos",
        "jagged",
        p4("transverse momentum", 12),
    ),
    met("GenMET", "transverse momentum of the neutrinos", sum_et=False),
)
