"""What the exported network says of jets, and the discriminators that production makes of it."""

from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from sonicmini.event import Tensors
from sonicmini.modules.columns import Columns
from sonicmini.modules.networks.particlenet.inputs import KNOWN
from sonicmini.modules.networks.particlenet.preprocess import Preprocess
from sonicmini.modules.networks.particlenet.producer import ParticleNet
from sonicmini.modules.networks.particlenet.taggers import (
    ParticleNetAK4CHS,
    ParticleNetAK8,
    ParticleNetAK8Mass,
    ParticleNetAK8MD,
)
from training.answers import answer
from training.particlenet.dataset import scaled
from training.particlenet.jets import Jets
from training.particlenet.recipes import Recipe

Singles = NDArray[np.float32]

MODULES: Final[dict[str, type[ParticleNet]]] = {
    "ak4": ParticleNetAK4CHS,
    "ak8": ParticleNetAK8,
    "ak8_md": ParticleNetAK8MD,
    "ak8_mass": ParticleNetAK8Mass,
}
"""The modules of the networks."""


@dataclass(frozen=True)
class Scores:
    """Of jets.

    Attributes:
        answers: the network's numbers, shape ``(jets, classes)``.
        columns: those of the module, such as ``btagPNetB``.
        classes: of the answers.
    """

    answers: Singles
    columns: Columns
    classes: tuple[str, ...]

    def among(self, over: tuple[str, ...], others: tuple[str, ...]) -> Singles:
        """Probabilities of some classes over those of them and some others."""
        first, second = (
            self.answers[:, [self.classes.index(name) for name in names]].sum(axis=1)
            for names in (over, others)
        )
        below = first + second
        ratio: Singles = np.divide(first, below, out=np.zeros_like(first), where=below > 0)
        return ratio


def scores(recipe: Recipe, jets: Jets, repository: Path) -> Scores:
    """Runs the exported network through the package's own service, and the module on its answers.

    Args:
        recipe: of the network.
        jets: loaded for it.
        repository: with the network.
    """
    preprocess = Preprocess.read(repository / recipe.model, KNOWN)

    def inputs(chosen: NDArray[np.int64]) -> Tensors:
        return {group.name: scaled(group, jets, recipe, chosen) for group in preprocess.groups}

    answers = answer(repository, recipe.model, inputs, count=len(jets))
    module = MODULES[recipe.network](model=recipe.model)
    return Scores(answers, module.columns(answers, recipe.classes), recipe.classes)
