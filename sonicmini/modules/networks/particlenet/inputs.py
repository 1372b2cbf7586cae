"""From products to the tensors that a network's ``preprocess.json`` asks for."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final, NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray

from sonicmini.errors import ModelError
from sonicmini.event import Products, Ragged, Tensors
from sonicmini.modules.columns import Bools, Ints
from sonicmini.modules.networks.particlenet import candidates, vertices
from sonicmini.modules.networks.particlenet.jets import JetKind
from sonicmini.modules.networks.particlenet.preprocess import Group, Preprocess

Features: TypeAlias = Callable[..., tuple[NDArray[np.float32], NDArray[np.int64]]]

MAKERS: Final[tuple[tuple[Mapping[str, Any], Features], ...]] = (
    (candidates.FEATURES, candidates.candidate_features),
    (vertices.FEATURES, vertices.vertex_features),
)
"""What there is of each kind of object, and what makes it."""

KNOWN: Final = (*candidates.FEATURES, *vertices.FEATURES)
"""Names of all features."""


class Part(NamedTuple):
    """The inputs of a network that are made of one kind of object.

    Attributes:
        make: what makes raw features.
        names: of all features that the inputs need.
        groups: the inputs, each with the places of its features among the names.
        max_length: of the rows.
    """

    make: Features
    names: tuple[str, ...]
    groups: tuple[tuple[Group, Ints], ...]
    max_length: int


@dataclass(frozen=True)
class Inputs:
    """What a network wants to see of jets.

    Attributes:
        parts: candidates and vertices, as far as they are wanted.
        order: names of the inputs.
    """

    parts: tuple[Part, ...]
    order: tuple[str, ...]

    @classmethod
    def of(cls, preprocess: Preprocess) -> "Inputs":
        """Sorts the groups of a ``preprocess.json`` by the objects that they describe.

        Raises:
            ModelError: a group mixes candidates and vertices, or groups of the same objects differ
                in max_length; lists every fault.
        """
        faults: list[str] = []
        parts = []
        left = {group.name for group in preprocess.groups}
        for known, make in MAKERS:
            groups = [group for group in preprocess.groups if set(group.features) <= set(known)]
            left -= {group.name for group in groups}
            if groups:
                parts.append(_part(make, groups, faults))
        faults += [f"{name} has features of candidates and of vertices" for name in sorted(left)]
        if faults:
            raise ModelError("\n".join(faults))
        return cls(tuple(parts), tuple(group.name for group in preprocess.groups))

    def tensors(self, products: Products, jets: JetKind, wanted: Bools) -> Tensors:
        """Scaled features: one row for each wanted jet, of the length of its objects.

        Args:
            products: of a chunk.
            jets: which jets.
            wanted: of all jets, those to describe.
        """
        found: dict[str, Ragged] = {}
        for part in self.parts:
            raw, counts = part.make(products, jets, part.names, max_length=part.max_length)
            if not wanted.all():
                raw, counts = raw[np.repeat(wanted, counts)], counts[wanted]
            for group, columns in part.groups:
                found[group.name] = Ragged(group.transform(raw[:, columns]), counts, axis=1)
        return {name: found[name] for name in self.order}


def _part(make: Features, groups: list[Group], faults: list[str]) -> Part:
    lengths = {group.name: group.max_length for group in groups}
    if len(set(lengths.values())) > 1:
        listed = ", ".join(f"{name} {length}" for name, length in lengths.items())
        faults.append(f"max_length differs between inputs of the same objects: {listed}")
    names = tuple(dict.fromkeys(name for group in groups for name in group.features))
    places = tuple(
        (group, np.array([names.index(one) for one in group.features])) for group in groups
    )
    return Part(make, names, places, max(lengths.values()))
