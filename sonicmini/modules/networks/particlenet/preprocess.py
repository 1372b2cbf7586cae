"""``preprocess.json`` beside a network: which features it wants, and how they are scaled.

The format is weaver's, as CMS stores it: each input of the network is a group of features, the rows
of its tensor, with the numbers that scale them. A length is the number of candidates or vertices.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, TypeAlias, cast

import numpy as np
from numpy.typing import NDArray

from sonicmini.errors import ModelError, nearest

Singles: TypeAlias = NDArray[np.float32]

FILE: Final = "preprocess.json"
_BEYOND: Final = 1e32  # what CMSSW takes for infinite
_LARGEST: Final = 3.4e38  # of single precision


@dataclass(frozen=True, kw_only=True)
class Group:
    """One input of the network.

    Attributes:
        name: of the input.
        features: names of the rows of its tensor.
        median: of each feature, shape ``(features,)``; taken away,
        norm_factor: then multiplied by this,
        lower: and cut off below,
        upper: and above.
        replacement: stands for values that are not finite, before all that.
        min_length: shortest row that the network computes rightly.
        max_length: longest row that it is given.
    """

    name: str
    features: tuple[str, ...]
    median: Singles
    norm_factor: Singles
    lower: Singles
    upper: Singles
    replacement: Singles
    min_length: int
    max_length: int

    def transform(self, raw: Singles) -> Singles:
        """Scales raw features, shape ``(rows, features)``.

        A value is infinite if it is beyond 1e32 (CMSSW: ``center_norm_pad``).
        """
        beyond = np.float32(_BEYOND)
        if not (raw.min(initial=0) >= -beyond and raw.max(initial=0) <= beyond):
            raw = np.where(np.abs(raw) <= beyond, raw, self.replacement)
        scaled: Singles = raw - self.median
        scaled *= self.norm_factor
        return np.clip(scaled, self.lower, self.upper, out=scaled)


@dataclass(frozen=True, kw_only=True)
class Preprocess:
    """What ``preprocess.json`` says.

    Attributes:
        labels: of the network's numbers, as ``label_bb``, in order.
        groups: the inputs, in order.
    """

    labels: tuple[str, ...]
    groups: tuple[Group, ...]

    @classmethod
    def read(cls, folder: Path, known: Sequence[str]) -> "Preprocess":
        """Reads and checks the file.

        Args:
            folder: of the model.
            known: features that can be made.

        Raises:
            ModelError: it is missing, unreadable or asks for features that are not known; lists
                every fault.
        """
        path = folder / FILE
        faults: list[str] = []
        content = _mapping(_content(path), "the file", faults)
        groups = [
            group
            for name in _names(content.get("input_names"), "input_names", faults)
            if (group := _group(name, content.get(name), known, faults))
        ]
        labels = _names(content.get("output_names"), "output_names", faults)
        if faults:
            raise ModelError("\n- ".join([f"{path}:", *faults]))
        return cls(labels=tuple(labels), groups=tuple(groups))

    def group(self, name: str) -> Group:
        """The group of an input."""
        return next(group for group in self.groups if group.name == name)

    def transform(self, group: str, raw: Singles) -> Singles:
        """Scales raw features of a group, shape ``(rows, features)``."""
        return self.group(group).transform(raw)


def _content(path: Path) -> object:
    try:
        return json.loads(path.read_text())
    except OSError as error:
        raise ModelError(f"{path} is unreadable: {error.strerror}") from error
    except ValueError as error:
        raise ModelError(f"{path} is no JSON: {error}") from error


def _mapping(value: object, what: str, faults: list[str]) -> Mapping[str, Any]:
    if isinstance(value, dict):
        return value
    faults.append(f"{what} is no object")
    return {}


def _names(value: object, what: str, faults: list[str]) -> list[str]:
    if not (isinstance(value, list) and value and all(isinstance(name, str) for name in value)):
        faults.append(f"{what} is no list of names")
        return []
    if len(set(value)) < len(value):
        faults.append(f"{what} has a name twice")
    return value


def _group(name: str, value: object, known: Sequence[str], faults: list[str]) -> Group | None:
    """One group; None, and faults, if it cannot be used."""
    before = len(faults)
    if not isinstance(value, dict):
        faults.append(f"input {name} has no group")
        return None
    features = _names(value.get("var_names"), f"{name}.var_names", faults)
    faults += [f"{name}: {_unknown(one, known)}" for one in features if one not in known]
    infos = _mapping(value.get("var_infos"), f"{name}.var_infos", faults)
    numbers = [_numbers(f"{name}.{one}", infos.get(one), faults) for one in features]
    lengths = _lengths(name, value, faults)
    if len(faults) > before:
        return None
    columns = np.array(numbers, np.float32).T
    return Group(
        name=name,
        features=tuple(features),
        median=columns[0],
        norm_factor=columns[1],
        lower=columns[2],
        upper=columns[3],
        replacement=columns[4],
        min_length=lengths[0],
        max_length=lengths[1],
    )


def _unknown(feature: str, known: Sequence[str]) -> str:
    return f"feature {feature!r} is unknown{nearest(feature, known)}"


def _numbers(what: str, value: object, faults: list[str]) -> tuple[float, ...]:
    """Median, norm factor, bounds and replacement of a feature."""
    if not isinstance(value, dict):
        faults.append(f"{what} has no numbers in var_infos")
        return ()
    found = {"pad": 0, **value}
    faults += [f"{what}.{key} is missing" for key in _KEYS if key not in found]
    wrong = [key for key in _KEYS if key in found and not _is_number(found[key])]
    faults += [f"{what}.{key} is no number" for key in wrong]
    if wrong or any(key not in found for key in _KEYS):
        return ()
    if found["lower_bound"] > found["upper_bound"]:
        faults.append(f"{what}: lower_bound is above upper_bound")
    if found["pad"] != 0:
        faults.append(f"{what}.pad is {found['pad']}: only 0 is possible")
    return tuple(float(found[key]) for key in _KEYS[:5])


_KEYS: Final = ("median", "norm_factor", "lower_bound", "upper_bound", "replace_inf_value", "pad")


def _lengths(name: str, content: Mapping[str, Any], faults: list[str]) -> tuple[int, int]:
    """Shortest and longest row."""
    found = tuple(content.get(key, content.get("var_length")) for key in _LENGTHS)
    shortest, longest = found
    if not all(type(length) is int and length > 0 for length in found):
        faults.append(f"{name}: min_length and max_length are not positive integers")
        return (0, 0)
    if shortest > longest:
        faults.append(f"{name}: min_length {shortest} is above max_length {longest}")
    return shortest, longest


_LENGTHS: Final = ("min_length", "max_length")


def _is_number(value: object) -> bool:
    return type(value) in (int, float) and abs(cast("float", value)) <= _LARGEST
