"""The base of all modules with a ParticleNet: what goes in, and whose answers come out."""

import copy
from abc import abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar, NamedTuple, Self

import numpy as np
from numpy.typing import NDArray

from sonicmini.errors import ModelError, ModuleError
from sonicmini.event import Products, Tensors
from sonicmini.module import SonicProducer
from sonicmini.modules.columns import Columns, jagged, offsets_of
from sonicmini.modules.networks.particlenet.inputs import KNOWN, Inputs
from sonicmini.modules.networks.particlenet.jets import JetKind, with_candidates
from sonicmini.modules.networks.particlenet.labels import label_of
from sonicmini.modules.networks.particlenet.preprocess import FILE, Preprocess


class Interface(NamedTuple):
    """What stands in ``preprocess.json`` beside the network: its inputs and its labels."""

    inputs: Inputs
    labels: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class ParticleNet(SonicProducer):
    """Describes jets to a network and gives its answers to them, columns beside theirs.

    Only jets that have candidates are sent (CMS sends all, and overwrites the answers). The others
    get 0 in all columns, as in CMSSW.

    Attributes:
        model: the network in the model repository. Which features it wants, how they are scaled,
            and its labels stand in its ``preprocess.json``.
    """

    kind: ClassVar[JetKind]
    _interface: ClassVar[Interface | None] = None  # of an instance after configured()

    model: str

    def configured(self, folder: Path) -> Self:
        """The same with the network's interface.

        Raises:
            ModelError: ``preprocess.json`` is missing or faulty, asks for features that there are
                not, or lacks labels; lists every fault.
        """
        preprocess = Preprocess.read(folder, KNOWN)
        labels = tuple(label_of(name) for name in preprocess.labels)
        try:
            inputs = Inputs.of(preprocess)
            self.check_labels(labels)
        except ModelError as error:
            raise ModelError(f"{folder / FILE}: {error}") from error
        made = copy.copy(self)
        object.__setattr__(made, "_interface", Interface(inputs, labels))
        return made

    @abstractmethod
    def check_labels(self, labels: Sequence[str]) -> None:
        """Looks whether the network has what the columns are made of.

        Raises:
            ModelError: it has not.
        """

    @abstractmethod
    def columns(self, answers: NDArray[np.float32], labels: Sequence[str]) -> Columns:
        """Columns of shape ``(jets,)`` from the network's numbers.

        Args:
            answers: shape ``(jets, labels)``, 0 for jets that were not sent.
            labels: of the numbers.
        """

    def acquire(self, inputs: Products) -> Tensors:
        """Returns the scaled features of the jets that have candidates, one ragged row a jet."""
        wanted = with_candidates(inputs, self.kind)
        return self._configured().inputs.tensors(inputs, self.kind, wanted)

    def produce(self, inputs: Products, outputs: Tensors) -> Products:
        """Returns columns parallel to the jets.

        Raises:
            ModuleError: the network has not one output with a number for each label.
        """
        labels = self._configured().labels
        sent = with_candidates(inputs, self.kind)
        answers = np.zeros((len(sent), len(labels)), np.float32)
        answers[sent] = self._numbers(outputs, len(labels))
        (product,) = self.produces
        offsets = offsets_of(inputs[self.kind.jets])
        return {product: jagged(offsets, self.columns(answers, labels))}

    def _configured(self) -> Interface:
        if self._interface is None:
            raise ModuleError(f"{type(self).__name__} has no network yet: call configured() first")
        return self._interface

    def _numbers(self, outputs: Tensors, labels: int) -> NDArray[np.float32]:
        """The network's single output, shape ``(rows, labels)``."""
        shapes = {
            name: value.shape[1:] if isinstance(value, np.ndarray) else None
            for name, value in outputs.items()
        }
        if list(shapes.values()) != [(labels,)]:
            raise ModuleError(
                f"model {self.model}: outputs {shapes}, expected one with {labels} numbers a jet,"
                f" as many as output_names in its {FILE}"
            )
        (answer,) = outputs.values()
        return np.asarray(answer, np.float32)
