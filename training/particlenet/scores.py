"""What the exported network says of jets, and the discriminators that production makes of it."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final, TypeVar

import numpy as np
from numpy.typing import NDArray

from sonicmini.inference.onnx import OnnxClient
from sonicmini.inference.repository import ModelRepository
from sonicmini.inference.route import Direct
from sonicmini.inference.service import InferenceService
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
from training.particlenet.dataset import scaled
from training.particlenet.jets import Jets
from training.particlenet.recipes import Recipe

T = TypeVar("T")
Singles = NDArray[np.float32]

MODULES: Final[dict[str, type[ParticleNet]]] = {
    "ak4": ParticleNetAK4CHS,
    "ak8": ParticleNetAK8,
    "ak8_md": ParticleNetAK8MD,
    "ak8_mass": ParticleNetAK8Mass,
}
"""The modules of the networks."""

_AT_ONCE: Final = 20_000


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
    parts = [
        infer(recipe, jets, np.arange(start, min(start + _AT_ONCE, len(jets))), repository)
        for start in range(0, len(jets), _AT_ONCE)
    ]
    answers = np.concatenate(parts)
    module = MODULES[recipe.network](model=recipe.model)
    return Scores(answers, module.columns(answers, recipe.classes), recipe.classes)


def infer(recipe: Recipe, jets: Jets, chosen: NDArray[np.int64], repository: Path) -> Singles:
    """The network's answers to some jets, shape ``(jets, classes)``."""

    async def run_here(function: Callable[[], T]) -> T:
        return function()

    specs = ModelRepository(repository).specs([recipe.model])
    spec = specs[recipe.model]
    client = OnnxClient(specs, run_here)
    service = InferenceService({recipe.model: (spec, Direct("here", client))}, run_here)
    preprocess = Preprocess.read(spec.folder, KNOWN)
    inputs = {group.name: scaled(group, jets, recipe, chosen) for group in preprocess.groups}
    (answer,) = asyncio.run(service.infer(recipe.model, inputs)).values()
    return np.asarray(answer, np.float32)
