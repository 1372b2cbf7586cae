"""CMS's ParticleNet taggers, with NanoAOD's names.

CMSSW: ``pfParticleNetAK4_cff``, ``pfParticleNet_cff`` and the discriminators beside them; H. Qu and
L. Gouskos, Phys. Rev. D 101 (2020) 056019.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar, Final

import numpy as np
from numpy.typing import NDArray

from sonicmini.errors import ModelError
from sonicmini.modules.columns import Columns
from sonicmini.modules.networks.particlenet.jets import AK4_CHS, AK4_PUPPI, AK8
from sonicmini.modules.networks.particlenet.labels import Ratio, discriminator, total
from sonicmini.modules.networks.particlenet.producer import ParticleNet

_B, _C, _LIGHT = ("b", "bb"), ("c", "cc"), ("uds", "g")
_QCD: Final = ("QCDbb", "QCDcc", "QCDb", "QCDc", "QCDothers")
_TOP: Final = ("Tbcq", "Tbqq", "Tbc", "Tbq", "Tbel", "Tbmu", "Tbta")
_BOSONS: Final = ("Wcq", "Wqq", "Zbb", "Zcc", "Zqq", "Hbb", "Hcc", "Hqqqq")


@dataclass(frozen=True, kw_only=True)
class Tagger(ParticleNet):
    """Base of the networks that tell probabilities of classes."""

    probabilities: ClassVar[Mapping[str, str]]
    """Labels by the columns of their probabilities."""
    ratios: ClassVar[Mapping[str, Ratio]]
    """Discriminators by column."""
    sums: ClassVar[Mapping[str, tuple[str, ...]]] = {}
    """Sums of probabilities by column."""

    def check_labels(self, labels: Sequence[str]) -> None:
        """Looks whether each class is there, in any order.

        Raises:
            ModelError: lists those that are not.
        """
        missing = [label for label in self.probabilities.values() if label not in labels]
        if missing:
            raise ModelError(
                f"output_names lack {', '.join(missing)}; they are {', '.join(labels)}"
            )

    def columns(self, answers: NDArray[np.float32], labels: Sequence[str]) -> Columns:
        """Discriminators, sums and probabilities."""
        scores = dict(zip(labels, np.ascontiguousarray(answers.T), strict=True))
        return {
            **{name: discriminator(scores, ratio) for name, ratio in self.ratios.items()},
            **{name: total(scores, classes) for name, classes in self.sums.items()},
            **{name: scores[label] for name, label in self.probabilities.items()},
        }


def _named(prefix: str, *labels: str) -> dict[str, str]:
    return {f"{prefix}{label}": label for label in labels}


@dataclass(frozen=True, kw_only=True)
class ParticleNetAK4CHS(Tagger):
    """Flavour of AK4 CHS jets."""

    kind = AK4_CHS
    consumes = AK4_CHS.consumes
    produces = ("JetCHSParticleNet",)
    probabilities = _named("particleNetAK4_prob", *_B, *_C, *_LIGHT, "undef", "pu")
    ratios: ClassVar[Mapping[str, Ratio]] = {
        "btagPNetB": Ratio(_B, (*_C, *_LIGHT)),
        "btagPNetCvL": Ratio(_C, _LIGHT),
        "btagPNetCvB": Ratio(_C, _B),
        "btagPNetQvG": Ratio(("uds",), ("g",)),
    }

    model: str = "particlenet_AK4"


@dataclass(frozen=True, kw_only=True)
class ParticleNetAK4(ParticleNetAK4CHS):
    """Flavour of AK4 PUPPI jets, by the same network."""

    kind = AK4_PUPPI
    consumes = AK4_PUPPI.consumes
    produces = ("JetParticleNet",)


@dataclass(frozen=True, kw_only=True)
class ParticleNetAK8(Tagger):
    """What large jets come from: top quarks, W, Z, Higgs bosons, or QCD."""

    kind = AK8
    consumes = AK8.consumes
    produces = ("FatJetParticleNet",)
    probabilities = _named("particleNet_prob", *_TOP, *_BOSONS, *_QCD)
    ratios: ClassVar[Mapping[str, Ratio]] = {
        "particleNet_TvsQCD": Ratio(("Tbcq", "Tbqq"), _QCD),
        "particleNet_WvsQCD": Ratio(("Wcq", "Wqq"), _QCD),
        "particleNet_ZvsQCD": Ratio(("Zbb", "Zcc", "Zqq"), _QCD),
        "particleNet_ZbbvsQCD": Ratio(("Zbb",), _QCD),
        "particleNet_ZccvsQCD": Ratio(("Zcc",), _QCD),
        "particleNet_HbbvsQCD": Ratio(("Hbb",), _QCD),
        "particleNet_HccvsQCD": Ratio(("Hcc",), _QCD),
        "particleNet_H4qvsQCD": Ratio(("Hqqqq",), _QCD),
    }
    sums: ClassVar[Mapping[str, tuple[str, ...]]] = {"particleNet_QCD": _QCD}

    model: str = "particlenet"


@dataclass(frozen=True, kw_only=True)
class ParticleNetAK8MD(Tagger):
    """Resonances that decay into two quarks, whatever their mass (mass-decorrelated)."""

    kind = AK8
    consumes = AK8.consumes
    produces = ("FatJetParticleNetMD",)
    probabilities: ClassVar[Mapping[str, str]] = {
        **_named("particleNetMD_", "Xbb", "Xcc", "Xqq"),
        **_named("particleNetMD_prob", *_QCD),
    }
    ratios: ClassVar[Mapping[str, Ratio]] = {
        f"particleNetMD_{label}vsQCD": Ratio((label,), _QCD) for label in ("Xbb", "Xcc", "Xqq")
    }
    sums: ClassVar[Mapping[str, tuple[str, ...]]] = {"particleNetMD_QCD": _QCD}

    model: str = "particlenet_AK8_MD-2prong"


@dataclass(frozen=True, kw_only=True)
class ParticleNetAK8Mass(ParticleNet):
    """Mass of large jets by regression, in GeV."""

    kind = AK8
    consumes = AK8.consumes
    produces = ("FatJetParticleNetMass",)

    model: str = "particlenet_AK8_MassRegression"

    def check_labels(self, labels: Sequence[str]) -> None:
        """Looks whether there is one number.

        Raises:
            ModelError: there are more.
        """
        if len(labels) != 1:
            raise ModelError(f"output_names are {', '.join(labels)}; expected the mass alone")

    def columns(self, answers: NDArray[np.float32], labels: Sequence[str]) -> Columns:
        """The mass."""
        del labels
        return {"particleNet_mass": answers[:, 0]}
