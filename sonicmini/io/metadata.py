"""The tree ``Runs`` of every file: what its format is and how it was made.

It has one entry with the branches ``formatName``, ``formatVersion`` and ``provenance``, the last a
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
    """Reads an open file's metadata; None if it has none of this form.

    A provenance that is no JSON object is left out rather than refused: nothing is computed of it.
    """
    tree = file.get(METADATA_TREE)
    if not isinstance(tree, uproot.TTree) or tree.num_entries != 1:
        return None
    if not set(BRANCH_TITLES) <= set(tree.keys()):
        return None
    name, version, text = (tree[branch].array(library="np")[0] for branch in BRANCH_TITLES)
    try:
        provenance = json.loads(text)
    except ValueError:
        provenance = {}
    return Metadata(str(name), int(version), provenance if isinstance(provenance, dict) else {})
