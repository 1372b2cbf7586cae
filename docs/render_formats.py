"""Renders the tables of the file formats from the package's schemas.

``python docs/render_formats.py`` writes the pages; with ``--check`` it only tells which are stale.
"""

import sys
from collections.abc import Iterable, Iterator
from pathlib import Path

from sonicmini.io.miniaod import MINIAOD
from sonicmini.io.schema import AOD, FORMAT_NAME, FORMAT_VERSION, Collection

PAGES = {
    "aod-format.md": (
        f"The AOD-like input: `{FORMAT_NAME}`, version {FORMAT_VERSION}",
        "What `sonicmini simulate` writes and `sonicmini run` reads.",
        AOD,
    ),
    "miniaod-format.md": (
        "The Mini-AOD output",
        "What `sonicmini run` can write; `output: keep:` of the workflow selects products.",
        MINIAOD,
    ),
}
CONVENTIONS = """\
A TTree `Events` with NanoAOD's conventions: `nPFCand` counts the entries of the jagged
`PFCand_pt`; a singleton such as `BeamSpot_x` has one value per event. Indices (`...Idx`) point
into the collection that they name, -1 stands for none. *Bits* is the number of mantissa bits that
carry information; without a number, all. A second tree describes how the file was made, see
`sonicmini inspect FILE`.

Rendered by `docs/render_formats.py` from the schema in `sonicmini/io/`.
"""


def page(title: str, purpose: str, collections: Iterable[Collection]) -> str:
    """Returns a page with an overview and a section for each collection."""
    listed = list(collections)
    lines = [f"# {title}", "", purpose, "", CONVENTIONS, *overview(listed)]
    for collection in listed:
        if collection.kind != "bare":
            lines += section(collection)
    return "\n".join(lines) + "\n"


def overview(collections: Iterable[Collection]) -> Iterator[str]:
    """Yields the table of the collections."""
    yield "| product | branches | kind | content |"
    yield "|---|---|---|---|"
    for item in collections:
        branches = f"`{item.prefix}`" if item.kind == "bare" else f"`{item.prefix}_*`"
        yield f"| {item.product} | {branches} | {item.kind} | {item.title} |"


def section(collection: Collection) -> Iterator[str]:
    """Yields the table of a collection's branches."""
    yield from ("", f"## {collection.product}", "", collection.title, "")
    yield "| branch | type | unit | bits | content |"
    yield "|---|---|---|---|---|"
    if collection.counter:
        yield f"| `{collection.counter}` | int32 | | | number of entries |"
    for branch in collection.branches:
        bits = "" if branch.bits is None else branch.bits
        name = collection.branch_name(branch)
        yield f"| `{name}` | {branch.dtype} | {branch.unit} | {bits} | {branch.title} |"


def main(arguments: list[str]) -> int:
    """Writes or checks the pages; returns 1 if a checked page is stale."""
    stale = []
    for name, (title, purpose, collections) in PAGES.items():
        path = Path(__file__).parent / name
        text = page(title, purpose, collections.values())
        if "--check" in arguments:
            if not path.exists() or path.read_text(encoding="utf-8") != text:
                stale.append(path.name)
        else:
            path.write_text(text, encoding="utf-8")
    if stale:
        sys.stderr.write(f"stale: {', '.join(stale)}; run python docs/render_formats.py\n")
    return 1 if stale else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
