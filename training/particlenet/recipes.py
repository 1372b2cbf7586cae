"""What each network is trained with: data sets, jets, classes, features, lengths.

Features are CMS's, in CMS's order (RecoBTag/ONNXRuntime, ``preprocess.json`` of the networks).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from sonicmini.modules.networks.particlenet.jets import AK4_CHS, AK4_PUPPI, AK8, JetKind
from training.datasets import files
from training.particlenet import labels
from training.samples import Sample, Split

POINTS: Final = ("etarel", "phirel")
"""Coordinates in which the first neighbours are looked for, after ``pfcand_`` or ``sv_``."""

_IDENTITIES: Final = tuple(f"pfcand_is{name}" for name in ("El", "Mu", "Gamma"))
_HADRONS: Final = ("pfcand_isChargedHad", "pfcand_isNeutralHad")
_KINEMATICS: Final = tuple(
    f"pfcand_{name}" for name in ("pt_log_nopuppi", "e_log_nopuppi", *POINTS, "abseta", "charge")
)
_TRACKING: Final = tuple(
    f"pfcand_{name}"
    for name in (
        *("VTX_ass", "lostInnerHits", "normchi2", "quality", "dz", "dzsig", "dxy", "dxysig"),
        *("btagEtaRel", "btagPtRatio", "btagPParRatio"),
        *("btagSip3dVal", "btagSip3dSig", "btagJetDistVal"),
    )
)
PF: Final = (*_KINEMATICS, *_TRACKING)
"""The 20 features of candidates."""

PF_IDENTIFIED: Final = (*_KINEMATICS, *_IDENTITIES, *_HADRONS, *_TRACKING)
"""The 25 with what particle flow takes the candidate for."""

SV: Final = tuple(
    f"sv_{name}"
    for name in (
        *("pt_log", "mass", *POINTS, "abseta", "ntracks", "normchi2"),
        *("dxy", "dxysig", "d3d", "d3dsig"),
    )
)
"""The 11 features of secondary vertices."""

UNSCALED: Final = frozenset(
    {
        *(f"{kind}_{name}" for kind in ("pfcand", "sv") for name in (*POINTS, "mask")),
        *("pfcand_charge", "pfcand_lostInnerHits", *_IDENTITIES, *_HADRONS),
    }
)
"""Features that enter the network as they are, without bounds, as in CMS's networks."""


_RESOLVED: Final = tuple(
    f"{process}_m{mass}" for process in ("zprime_tt", "wprime_wz") for mass in (800, 1000, 1200)
)
"""Resonances whose c quarks are mostly in small jets of their own."""


@dataclass(frozen=True, kw_only=True)
class Family:
    """Jets of which the features are kept in the same files.

    Attributes:
        kinds: of jets, with the product of their flavours.
        pf: features of candidates, as ``sv`` those of vertices.
        pf_length: least and most candidates of a jet that its networks see; ``sv_length``.
        min_pt: of jets (GeV).
        max_eta: of jets.
        processes: data sets, and which of their processes are used, of all masses or of one; none
            stands for all.
    """

    name: str
    kinds: tuple[tuple[JetKind, str], ...]
    pf: tuple[str, ...]
    sv: tuple[str, ...] = SV
    pf_length: tuple[int, int]
    sv_length: tuple[int, int]
    min_pt: float
    max_eta: float
    processes: Mapping[str, tuple[str, ...]]

    def samples(self, split: Split) -> list[Sample]:
        """The files with its jets."""
        return [
            sample
            for name, processes in self.processes.items()
            for sample in files([name], split)
            if not processes or {sample.process, kind_of(sample.process)} & {*processes}
        ]

    def uses(self, sample: Sample) -> bool:
        """Whether a file has its jets."""
        return sample in self.samples(sample.split)


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """One network.

    Attributes:
        network: its name here.
        model: its name in the model repository.
        family: of its jets.
        classes: its outputs; one for a regression.
        label: column with the places of the jets in ``classes``, -1 for jets that it does not use.
        pf: features of candidates that it sees, some of its family's.
        flat: columns whose spectra are made flat within each class in training.
        boost: jets of rare bins count at most so much more than those of the most frequent one.
        decorrelated: whether signal has the spectra of QCD, so that they tell nothing.
        shares: of the classes in training, in order; of a regression those of QCD and the others.
    """

    network: str
    model: str
    family: Family
    classes: tuple[str, ...]
    label: str
    pf: tuple[str, ...]
    flat: tuple[str, ...]
    shares: tuple[float, ...]
    boost: float = 12.0
    decorrelated: bool = False

    @property
    def sv(self) -> tuple[str, ...]:
        """Features of vertices."""
        return self.family.sv

    @property
    def is_regression(self) -> bool:
        """Whether it estimates the mass rather than the class."""
        return len(self.classes) == 1


SMALL: Final = Family(
    name="ak4",
    kinds=((AK4_CHS, "JetCHSGenMatch"), (AK4_PUPPI, "JetGenMatch")),
    pf=PF,
    pf_length=(8, 50),
    sv_length=(1, 5),
    min_pt=15.0,
    max_eta=2.5,
    processes={
        "standard": (),
        "boosted": ("qcd_boosted", *_RESOLVED, "graviton_hcc_m1000"),
        "tops_and_bosons": _RESOLVED,
    },
)
LARGE: Final = Family(
    name="ak8",
    kinds=((AK8, "FatJetGenMatch"),),
    pf=PF_IDENTIFIED,
    pf_length=(16, 100),
    sv_length=(1, 10),
    min_pt=170.0,
    max_eta=2.4,
    processes={"boosted": (), "standard": (), "tops_and_bosons": ()},
)
FAMILIES: Final[Sequence[Family]] = (SMALL, LARGE)

RECIPES: Final = {
    recipe.network: recipe
    for recipe in (
        Recipe(
            network="ak4",
            model="particlenet_AK4",
            family=SMALL,
            classes=labels.AK4,
            label="label",
            pf=PF,
            flat=("pt",),
            shares=(0.22, 0.015, 0.18, 0.03, 0.25, 0.13, 0.115, 0.06),
            boost=3.0,
        ),
        Recipe(
            network="ak8",
            model="particlenet",
            family=LARGE,
            classes=labels.AK8,
            label="label",
            pf=PF_IDENTIFIED,
            flat=("pt",),
            shares=(
                0.09,
                0.09,
                0.02,
                0.02,
                0.02,
                0.02,
                0.02,
                0.06,
                0.06,
                0.05,
                0.05,
                0.06,
                0.06,
                0.06,
                0.06,
                0.03,
                0.03,
                0.03,
                0.03,
                0.14,
            ),
        ),
        Recipe(
            network="ak8_md",
            model="particlenet_AK8_MD-2prong",
            family=LARGE,
            classes=labels.AK8_MD,
            label="label_md",
            pf=PF,
            flat=("pt", "msoftdrop"),
            boost=30.0,
            decorrelated=True,
            shares=(0.16, 0.16, 0.18, 0.06, 0.06, 0.06, 0.06, 0.26),
        ),
        Recipe(
            network="ak8_mass",
            model="particlenet_AK8_MassRegression",
            family=LARGE,
            classes=("mass",),
            label="label_mass",
            pf=PF_IDENTIFIED,
            flat=("pt", "target"),
            boost=30.0,
            shares=(0.4, 0.6),
        ),
    )
}
"""All networks by name."""


def kind_of(process: str) -> str:
    """A process without the mass of its resonance."""
    name, _, mass = process.rpartition("_m")
    return name if name and mass.isdecimal() else process
