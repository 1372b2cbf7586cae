"""What the quantities should be: measured once on a large sample and kept as JSON."""

import gzip
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

from sonicmini.errors import ConfigError
from sonicmini.validation.measure import Measurement
from sonicmini.validation.quantity import Distribution, Quantity
from sonicmini.validation.sums import Sums

_FORMAT = "sonicmini-validation"
_VERSION = 1


@dataclass(frozen=True)
class Entry:
    """One quantity of a reference; ``edges`` is empty for a ratio."""

    edges: tuple[float, ...]
    sums: Sums


@dataclass(frozen=True)
class Reference:
    """Measured quantities by name.

    Attributes:
        made: how: the sample, the version, whatever its maker noted.
    """

    made: Mapping[str, Any]
    entries: Mapping[str, Entry]

    @classmethod
    def of(
        cls, measurement: Measurement, quantities: Mapping[str, Quantity], made: Mapping[str, Any]
    ) -> Self:
        """From what was measured."""
        entries = {
            name: Entry(_edges(quantities[name]), sums) for name, sums in measurement.sums.items()
        }
        return cls(made, entries)

    def save(self, path: Path) -> None:
        """Writes compressed JSON, the same bytes for the same content.

        Raises:
            ConfigError: it cannot be written there.
        """
        content = {
            "format": _FORMAT,
            "version": _VERSION,
            "made": self.made,
            "quantities": {
                name: {"edges": entry.edges, **entry.sums.to_dict()}
                for name, entry in self.entries.items()
            },
        }
        text = json.dumps(content, separators=(",", ":")).encode()
        try:
            path.write_bytes(gzip.compress(text, 9, mtime=0))
        except OSError as error:
            raise ConfigError(f"reference {path}: cannot be written: {error.strerror}") from error

    @classmethod
    def load(cls, path: Path) -> Self:
        """Reads what :meth:`save` wrote.

        Raises:
            ConfigError: the file is missing or no reference.
        """
        try:
            content = _content(path.read_bytes())
            entries = {
                name: Entry(tuple(entry["edges"]), Sums.from_dict(entry))
                for name, entry in content["quantities"].items()
            }
            return cls(content["made"], entries)
        except OSError as error:
            raise ConfigError(f"reference {path}: {error.strerror or error}") from error
        except (EOFError, KeyError, TypeError, ValueError, AttributeError) as error:
            raise ConfigError(
                f"reference {path}: it is no reference of this version; make one with"
                " sonicmini validate OUTPUT --save FILE"
            ) from error


def _content(data: bytes) -> Any:  # noqa: ANN401 - whatever JSON holds
    content = json.loads(gzip.decompress(data))
    if (content["format"], content["version"]) != (_FORMAT, _VERSION):
        raise ValueError("another format")
    return content


def _edges(quantity: Quantity) -> tuple[float, ...]:
    return quantity.edges if isinstance(quantity, Distribution) else ()
