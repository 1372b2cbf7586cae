"""``Runs`` of every file, a TTree or an RNTuple: what its format is and how it was made.

Its only entry has the branches ``formatName``, ``formatVersion`` and ``provenance``, the last a
JSON object.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import uproot

METADATA_TREE = "Runs"

BRANCH_TITLES = {
    "formatName": "name of the file's format",
    "formatVersion": "version of the format",
    "provenance": "how the file was made, as JSON",
}


@dataclass(frozen=True)
class Metadata:
    """What a file says of itself.

    Attributes:
        provenance: what JSON can hold, by topic; other values are stored as their text.
    """

    format_name: str
    format_version: int
    provenance: Mapping[str, Any] = field(default_factory=dict)

    def to_branches(self) -> dict[str, Any]:
        """The tree's only entry, by branch."""
        return {
            "formatName": [self.format_name],
            "formatVersion": np.array([self.format_version], dtype=np.int32),
            "provenance": [json.dumps(self.provenance, default=str)],
        }


def read_metadata(file: uproot.ReadOnlyDirectory) -> Metadata | None:
    """Reads an open file's metadata; None if it has none of this form, or of several formats.

    A file that was merged of others, as by ROOT's hadd, has one entry of each: its provenance is
    theirs, as a list under ``merged``.
    """
    tree = file.get(METADATA_TREE)
    known = (uproot.TTree, uproot.behaviors.RNTuple.RNTuple)
    if not isinstance(tree, known) or not set(BRANCH_TITLES) <= set(tree.keys()):
        return None
    names, versions, texts = (tree[branch].array().to_list() for branch in BRANCH_TITLES)
    formats = {(str(name), int(version)) for name, version in zip(names, versions, strict=True)}
    if len(formats) != 1:
        return None
    (name, version) = formats.pop()
    parts = [_decoded(text) for text in texts]
    return Metadata(name, version, parts[0] if len(parts) == 1 else {"merged": parts})


def _decoded(text: str) -> dict[str, Any]:
    # What is no JSON object is left out rather than refused: nothing is computed of it.
    try:
        provenance = json.loads(text)
    except ValueError:
        return {}
    return provenance if isinstance(provenance, dict) else {}
