"""What an author of a module implements: declared inputs and products, pure synchronous methods.

A module is a frozen dataclass: its fields are its configuration. It knows nothing of threads,
servers or clocks, and may be called for several chunks at the same time.
"""

from abc import ABC, abstractmethod
from collections.abc import Collection
from pathlib import Path
from typing import Self

from sonicmini.event import Products, Tensors


class Module(ABC):
    """A step of the workflow. ``consumes`` and ``produces`` name products.

    Attributes:
        consumes: products that :meth:`produce` (and ``acquire``) is given.
        produces: products that it returns, neither more nor less.
    """

    consumes: Collection[str]
    produces: Collection[str]


class Producer(Module):
    """A module that computes products from products on the CPU."""

    @abstractmethod
    def produce(self, inputs: Products) -> Products:
        """Returns the products, one entry per event of the inputs."""


class SonicProducer(Module):
    """A module whose network is evaluated by whatever backend the job configures.

    Attributes:
        model: name in the model repository, ``NAME`` or ``NAME/VERSION``.
    """

    model: str

    def configured(self, folder: Path) -> Self:
        """The same module with what lies beside its network, such as ``preprocess.json``.

        Called once, before the first chunk. Most networks need nothing but their inputs.

        Args:
            folder: of the model in the repository.

        Raises:
            ModelError: what lies there is missing, unreadable or asks for what the module has not.
        """
        del folder
        return self

    @abstractmethod
    def acquire(self, inputs: Products) -> Tensors:
        """Returns the model's inputs, one row per object; rows of variable length stay ragged."""

    @abstractmethod
    def produce(self, inputs: Products, outputs: Tensors) -> Products:
        """Returns the products from the model's outputs, whose rows are in the order of acquire."""
