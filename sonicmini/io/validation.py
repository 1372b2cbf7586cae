"""What is checked of an input file before the first event of any file is processed."""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import uproot

from sonicmini.errors import InputError
from sonicmini.io.metadata import METADATA_TREE, read_metadata
from sonicmini.io.schema import FORMAT_NAME, FORMAT_VERSION, Collection, Kind

EVENT_TREE = "Events"

# ROOT's header: "root", version, position of the first object, end of the file. Files beyond 2 GB
# have versions above a million and 8 bytes for the end.
_MAGIC = b"root"
_BIG_FILE_VERSION = 1_000_000
_HEADER_BYTES = 20

_TYPE_NAMES = {
    "float32": "float",
    "int16": "int16_t",
    "int32": "int32_t",
    "uint8": "uint8_t",
    "uint32": "uint32_t",
    "uint64": "uint64_t",
    "bool": "bool",
}
_COUNTER_TYPES = ("int32_t", "uint32_t")


def is_remote(file: str) -> bool:
    """Whether a file is named by a URL, which the library reads by the protocol's client."""
    return "://" in file


@contextmanager
def input_errors(file: str, doing: str) -> Iterator[None]:
    """Turns whatever a damaged file provokes in the library into one error that names the file.

    Corrupt bytes lead to any exception: in decompression, in numpy, in the library's own checks.

    Raises:
        InputError: instead of any exception of the body.
    """
    try:
        yield
    except InputError:
        raise
    except Exception as error:
        reason = " ".join(str(error).split()) or "no reason given"
        raise InputError(
            f"{file}: {doing} failed, the file is damaged or cannot be reached"
            f" ({type(error).__name__}: {_shortened(reason)})"
        ) from error


@contextmanager
def opened(file: str) -> Iterator[uproot.ReadOnlyDirectory]:
    """Opens a file for reading, without caches."""
    with input_errors(file, "opening it"):
        directory = uproot.open(file, object_cache=None, array_cache=None)
    with directory:
        yield directory


def count_events(file: str, collections: Iterable[Collection]) -> int:
    """Checks everything about a file that needs none of its events, and counts these.

    Raises:
        InputError: names the file and every fault of it.
    """
    if not is_remote(file):
        check_bytes(file)
    with opened(file) as directory, input_errors(file, "reading its structure"):
        faults = list(_format_faults(directory))
        tree = directory.get(EVENT_TREE)
        if not isinstance(tree, uproot.TTree):
            raise InputError(_listed(file, [*faults, f"it has no tree {EVENT_TREE}"]))
        faults += _branch_faults(tree, collections)
        if faults:
            raise InputError(_listed(file, faults))
        return int(tree.num_entries)


def check_bytes(file: str) -> None:
    """Checks that a local file is there, is a ROOT file and is as long as its header says.

    Raises:
        InputError: it is not.
    """
    path = Path(file)
    try:
        size = path.stat().st_size
        if path.is_dir():
            raise InputError(f"{file}: is a folder; name the files in it")
        if not path.is_file():
            raise InputError(f"{file}: is not a regular file")
        with path.open("rb") as stream:
            header = stream.read(_HEADER_BYTES)
    except FileNotFoundError as error:
        raise InputError(f"{file}: there is no such file") from error
    except OSError as error:
        raise InputError(f"{file}: cannot be read: {error.strerror}") from error
    if size == 0:
        raise InputError(f"{file}: is empty")
    if not header.startswith(_MAGIC) or len(header) < _HEADER_BYTES:
        raise InputError(f"{file}: is not a ROOT file")
    is_big = int.from_bytes(header[4:8], "big") >= _BIG_FILE_VERSION
    end = int.from_bytes(header[12 : 20 if is_big else 16], "big")
    if size < end:
        raise InputError(
            f"{file}: is truncated: it has {size} of {end} bytes; copy or make it again"
        )


def _format_faults(directory: uproot.ReadOnlyDirectory) -> Iterator[str]:
    metadata = read_metadata(directory)
    if metadata is None:
        yield (
            f"it has no tree {METADATA_TREE} that names its format, expected {FORMAT_NAME}"
            f" version {FORMAT_VERSION}; `sonicmini simulate` makes such files"
        )
    elif metadata.format_name != FORMAT_NAME:
        yield f"its format is {metadata.format_name}, expected {FORMAT_NAME}"
    elif metadata.format_version != FORMAT_VERSION:
        yield (
            f"its format {FORMAT_NAME} has version {metadata.format_version}, expected"
            f" {FORMAT_VERSION}; make it again with this release, or use the release that made it"
        )


def _branch_faults(tree: Any, collections: Iterable[Collection]) -> Iterator[str]:  # noqa: ANN401
    branches = {branch.name: branch for branch in tree.branches}
    for collection in collections:
        names = [collection.branch_name(branch) for branch in collection.branches]
        if not any(name in branches for name in names):
            yield f"collection {collection.product} is missing, all {len(names)} branches of it"
            continue
        expected: dict[str, tuple[str, ...]] = {
            collection.branch_name(branch): (root_type(branch.dtype, collection.kind),)
            for branch in collection.branches
        }
        if collection.counter is not None:
            expected[collection.counter] = _COUNTER_TYPES
        for name, types in expected.items():
            if name not in branches:
                yield f"branch {name} ({types[0]}) is missing"
            elif branches[name].typename not in types:
                yield f"branch {name} has type {branches[name].typename}, expected {types[0]}"
            elif branches[name].num_entries != tree.num_entries:
                yield (
                    f"branch {name} has {branches[name].num_entries} entries,"
                    f" {EVENT_TREE} has {tree.num_entries}"
                )


def root_type(dtype: str, kind: Kind) -> str:
    """The type of a branch as the library and ``sonicmini inspect`` spell it."""
    return _TYPE_NAMES[dtype] + ("[]" if kind == "jagged" else "")


def _listed(file: str, faults: Sequence[str]) -> str:
    if len(faults) == 1:
        return f"{file}: {faults[0]}"
    return "\n".join([f"{file}: {len(faults)} faults", *(f"  {fault}" for fault in faults)])


def _shortened(text: str, limit: int = 200) -> str:
    return text if len(text) <= limit else f"{text[:limit]}..."
