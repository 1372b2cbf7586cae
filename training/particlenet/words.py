"""What the model cards say of each network; numbers are put in by the code."""

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True)
class Words:
    """Of one network.

    Attributes:
        title: of its card.
        summary: what it is for.
        jets: which jets it sees.
        truth: what its classes are.
        network: what it has beyond the others.
        limits: of what it tells.
    """

    title: str
    summary: str
    jets: str
    truth: str
    network: str = ""
    limits: str = ""


_LARGE: Final = (
    "Jets: AK8 PUPPI, pT > 170 GeV. Candidates with a PUPPI weight of at least 0.01, by their"
    " momenta without it."
)
_CONTAINED: Final = """\
Quarks and charged leptons of the generated decay are inside a jet within 0.8 in pseudorapidity and
azimuth. A top is `Tbcq` or `Tbqq` with all three quarks, `Tbc` or `Tbq` with the b and one other,
`Tbel`, `Tbmu`, `Tbta` with the b and the charged lepton; with the two others alone it is a W. W, Z
and Higgs bosons have both quarks inside, `Hqqqq` (H to WW) all four. Jets with another part of a
resonance, or with parts of two, are left out. QCD classes go by b and c hadrons, and are jets of
QCD events only."""

WORDS: Final = {
    "ak4": Words(
        title="ParticleNet, flavour of AK4 jets",
        summary="""\
Tells which quark, gluon or collision a small jet comes from: probabilities of b, bb, c, cc, uds, g,
undefined and pileup, of which `btagPNetB`, `btagPNetCvL`, `btagPNetCvB` and `btagPNetQvG` are made.
One network for CHS and PUPPI jets.""",
        jets="Jets: AK4, CHS or PUPPI, pT > 15 GeV; trained at |eta| < 2.5.",
        truth="""\
Classes: `bb` has two or more b hadrons (ghost association), `b` one, `cc` and `c` the same without
b; of the others `pu` are those without generated jet, `uds` and `g` those with such a parton of the
hard process, and `undef` the rest, mostly radiated gluons. Light stands for these three. **`undef`
is told as `g`**: its probability is added to that of `g` and is 0 itself, since CMS's
discriminators leave `undef` out, and without this radiated gluons would look like c jets (0.73
instead of 0.80).""",
        limits="""
The target of c against light was first measured with light jets of hard partons alone, without
`undef`, and missed: 0.798 ± 0.005 in ttbar and QCD, 0.790 ± 0.005 in ttbar, before `undef` was told
as `g`; 0.787 and 0.779 since. The table has all light jets, which is what a selected event has.

CMS's production network, larger and trained on more jets (of another detector), has for c against
light 0.819 ± 0.005 on every second of the same ttbar jets, this one 0.799 ± 0.005 there; for b
against light 0.976 and 0.971 ± 0.001. With hard partons alone CMS's has 0.786 ± 0.005 for c, this
one 0.783 before `undef` was told as `g`. Tried, all alike within 0.002: 614 000 jets in training
instead of 894 000; half as much again of c and light jets in each epoch. Without mirror images of
jets it overfitted after five epochs.
""",
    ),
    "ak8": Words(
        title="ParticleNet, origin of AK8 jets",
        summary="""\
Tells what a large jet comes from: top quarks, W, Z, Higgs bosons by their decays, or QCD, in 20
probabilities, of which `particleNet_TvsQCD`, `particleNet_WvsQCD` and others are made.""",
        jets=_LARGE,
        truth=_CONTAINED,
    ),
    "ak8_md": Words(
        title="ParticleNet, two-prong AK8 jets of any mass",
        summary="""\
Tells resonances that decay to b, c or light quarks (X, of any mass from 15 to 250 GeV) from QCD,
without knowing the mass: in training, spectra of pT and of the soft-drop mass are flat within each
class, so that the mass tells nothing.""",
        jets=_LARGE,
        truth="""\
X are scalars of 15 to 250 GeV, evenly distributed, from a graviton, with both quarks within 0.8 of
the jet. QCD classes go by b and c hadrons.""",
    ),
    "ak8_mass": Words(
        title="ParticleNet, mass of AK8 jets",
        summary="""\
Estimates the mass of the resonance that a large jet comes from, in GeV, or, of a QCD jet, that of
the generated jet after soft drop.""",
        jets=_LARGE,
        truth="""\
The true mass is that of a top, W, Z, Higgs boson or X (15 to 250 GeV) all of whose quarks are
within 0.8 of the jet, and of QCD jets that of the generated jet after soft drop.""",
        network="""
A layer more gives each candidate a weight between 0 and 1. The answer is the mass of the weighted
sum of the candidates, a grooming that is learned, times a factor that the dense layers give
(`training/particlenet/grooming.py`).
""",
    ),
}
"""By network."""
