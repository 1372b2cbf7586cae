"""What each network is trained with: data sets, jets, classes, features, lengths.

Features are CMS's, in CMS's order (RecoBTag/ONNXRuntime, ``preprocess.json`` of the networks).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

from sonicmini.modules.networks.particlenet.jets import AK4_CHS, AK4_PUPPI, AK8, JetKind
from training.datasets import files
from training.particlenet import labels
from training.particlenet.options import TrainingOptions
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
        pf: features of candidates that it sees, some of its family's.
        shares: of the classes in training, in their order; of a regression those of QCD and others.
        training: what it was trained with.
        jets: of an epoch; as many as there are if not given.
        starts_from: network whose weights it starts with where they fit, none for random ones.
        label: column with the places of the jets in ``classes``, -1 for jets that it does not use.
        flat: columns whose spectra are made flat within each class in training.
        boost: jets of rare bins count at most so much more than those of the most frequent one.
        told_as: classes of the training whose probability is added to that of others.
        decorrelated: whether signal has the spectra of QCD, so that they tell nothing.
    """

    network: str
    model: str
    family: Family
    classes: tuple[str, ...]
    pf: tuple[str, ...]
    shares: Mapping[str, float]
    training: TrainingOptions
    jets: int | None = None
    starts_from: str | None = None
    label: str = "label"
    flat: tuple[str, ...] = ("pt",)
    boost: float = 12.0
    told_as: tuple[tuple[str, str], ...] = ()
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

_CONTINUED: Final = TrainingOptions(epochs=6, batch=256, learning_rate=3e-3)
"""Of networks that start with the weights of another one."""

RECIPES: Final = {
    recipe.network: recipe
    for recipe in (
        Recipe(
            network="ak4",
            model="particlenet_AK4",
            family=SMALL,
            classes=labels.AK4,
            pf=PF,
            shares={
                "b": 0.22,
                "bb": 0.015,
                "c": 0.18,
                "cc": 0.03,
                "uds": 0.25,
                "g": 0.13,
                "undef": 0.115,
                "pu": 0.06,
            },
            boost=3.0,
            told_as=(("undef", "g"),),
            training=TrainingOptions(epochs=8, learning_rate=4e-3, weight_decay=0.01),
            jets=650_000,
        ),
        Recipe(
            network="ak8",
            model="particlenet",
            family=LARGE,
            classes=labels.AK8,
            pf=PF_IDENTIFIED,
            shares={
                **dict.fromkeys(("Tbcq", "Tbqq"), 0.09),
                **dict.fromkeys(("Tbc", "Tbq", "Tbel", "Tbmu", "Tbta"), 0.02),
                **dict.fromkeys(("Wcq", "Wqq"), 0.06),
                **dict.fromkeys(("Zbb", "Zcc"), 0.05),
                **dict.fromkeys(("Zqq", "Hbb", "Hcc", "Hqqqq"), 0.06),
                **dict.fromkeys(("QCDbb", "QCDcc", "QCDb", "QCDc"), 0.03),
                "QCDothers": 0.14,
            },
            training=TrainingOptions(epochs=7, batch=256),
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
            shares={
                "Xbb": 0.16,
                "Xcc": 0.16,
                "Xqq": 0.18,
                **dict.fromkeys(("QCDbb", "QCDcc", "QCDb", "QCDc"), 0.06),
                "QCDothers": 0.26,
            },
            training=_CONTINUED,
            starts_from="ak8",
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
            shares={"QCD": 0.4, "resonances": 0.6},
            training=replace(_CONTINUED, epochs=5),
            starts_from="ak8",
        ),
    )
}
"""All networks by name."""


def kind_of(process: str) -> str:
    """A process without the mass of its resonance."""
    name, _, mass = process.rpartition("_m")
    return name if name and mass.isdecimal() else process
