"""Answers of the ParticleNet taggers, stored as columns beside those of their jets.

All are 0 for jets that have no features: below 15 GeV (AK8: 170 GeV) or in events without vertex.
"""

from sonicmini.io.miniaod.parts import real
from sonicmini.io.schema import Branch, Collection

_BITS = 10


def _columns(template: str, title: str, *labels: str) -> tuple[Branch, ...]:
    """One column for each label, which takes the place of ``*`` in its name and title."""
    return tuple(
        real(template.replace("*", one), "", title.replace("*", one), _BITS) for one in labels
    )


_AK4 = (
    real("btagPNetB", "", "b and bb against c, cc, uds and g", _BITS),
    real("btagPNetCvL", "", "c and cc against uds and g", _BITS),
    real("btagPNetCvB", "", "c and cc against b and bb", _BITS),
    real("btagPNetQvG", "", "uds against g", _BITS),
    *_columns(
        "particleNetAK4_prob*",
        "probability of *",
        *("b", "bb", "c", "cc", "uds", "g", "undef", "pu"),
    ),
)
_QCD = ("QCDbb", "QCDcc", "QCDb", "QCDc", "QCDothers")
_AK8 = (
    *_columns(
        "particleNet_*vsQCD",
        "* against QCD",
        *("T", "W", "Z", "Zbb", "Zcc", "Hbb", "Hcc", "H4q"),
    ),
    real("particleNet_QCD", "", "sum of the probabilities of QCD", _BITS),
    *_columns(
        "particleNet_prob*",
        "probability of *",
        *("Tbcq", "Tbqq", "Tbc", "Tbq", "Tbel", "Tbmu", "Tbta"),
        *("Wcq", "Wqq", "Zbb", "Zcc", "Zqq", "Hbb", "Hcc", "Hqqqq"),
        *_QCD,
    ),
)
_RESONANCES = ("Xbb", "Xcc", "Xqq")
_MD = (
    *_columns("particleNetMD_*vsQCD", "* against QCD, mass-decorrelated", *_RESONANCES),
    real("particleNetMD_QCD", "", "sum of the probabilities of QCD, mass-decorrelated", _BITS),
    *_columns("particleNetMD_*", "probability of *, mass-decorrelated", *_RESONANCES),
    *_columns("particleNetMD_prob*", "probability of *, mass-decorrelated", *_QCD),
)


def _beside(jets: str, suffix: str, title: str, *branches: Branch) -> Collection:
    product = f"{jets}ParticleNet{suffix}"
    return Collection(product, f"{title} of {jets}", "jagged", branches, prefix=jets)


COLLECTIONS = (
    _beside("JetCHS", "", "ParticleNet", *_AK4),
    _beside("Jet", "", "ParticleNet", *_AK4),
    _beside("FatJet", "", "ParticleNet", *_AK8),
    _beside("FatJet", "MD", "mass-decorrelated ParticleNet", *_MD),
    _beside(
        *("FatJet", "Mass", "ParticleNet's mass"),
        real("particleNet_mass", "GeV", "mass by regression", _BITS),
    ),
)
