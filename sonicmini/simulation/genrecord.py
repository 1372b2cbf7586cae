"""The stored generator record: ``GenPart`` and ``Generator`` from Pythia's event record.

Kept are all stable particles, all hadrons and leptons that decay, the hard process (incoming
partons, resonances, outgoing particles), first and last copies of top, W, Z, Higgs and heavier
bosons, and the partons that hadronise if they are b or c or have pT above 5 GeV. Left out are
beams, remnants, the soft shower and all copies in between: what descends from a row that is left
out gets the nearest kept ancestor as its mother, none if there is none. Of the partons of a string,
a b (c) hadron gets the b (c) quark, another hadron the first one. The status flags are those of the
complete record.
"""

from typing import Any, Final

import awkward as ak
import numpy as np
from numpy.typing import NDArray

from sonicmini.simulation.generator import EventRecord
from sonicmini.simulation.genflags import (
    IS_FIRST_COPY,
    IS_LAST_COPY,
    NONE,
    ROW,
    annotate,
)
from sonicmini.simulation.kernel import Floats, Ints, Records, kernel
from sonicmini.simulation.pdgid import heavy_quark

PARTON_PT_MIN: Final = 5.0

MAX_ETA: Final = 50.0
"""Stands for the infinite pseudorapidity of partons that come in along the beam."""

MIN_DISPLACEMENT: Final = 1e-6
"""Production vertices closer to the collision (cm) are put there: lifetimes of W or rho."""


def generator_products(record: EventRecord) -> dict[str, ak.Array]:
    """Makes ``GenPart``, and ``Generator`` but for its fields vx, vy, vz."""
    rows = np.zeros(len(record.id), dtype=ROW)
    rows["pdgId"], rows["pythiaStatus"] = record.id, record.status
    for name in ("mother1", "mother2", "daughter1", "daughter2"):
        rows[name] = getattr(record, name)
    rows["pt"] = np.hypot(record.px, record.py)
    kept, mothers, offsets = select_rows(rows, record.offsets)
    generator = {name: getattr(record, name) for name in ("weight", "binvar", "scalePDF")}
    generator = {name: values.astype(np.float32) for name, values in generator.items()}
    return {
        "GenPart": _jagged_records(_particles(record, rows, kept, mothers), offsets),
        "Generator": ak.zip(generator | {"processId": record.processId}),
    }


def _particles(
    record: EventRecord, rows: Records, kept: Ints, mothers: NDArray[np.int16]
) -> dict[str, NDArray[Any]]:
    displaced = np.hypot(np.hypot(record.vx, record.vy), record.vz)[kept] > MIN_DISPLACEMENT
    fields: dict[str, NDArray[Any]] = {
        "pt": rows["pt"][kept],
        "eta": _pseudorapidity(rows["pt"][kept], record.pz[kept]),
        "phi": np.arctan2(record.py, record.px)[kept],
        "mass": record.mass[kept],
    }
    for axis in ("vx", "vy", "vz"):
        fields[axis] = np.where(displaced, getattr(record, axis)[kept], 0.0)
    fields = {name: values.astype(np.float32) for name, values in fields.items()}
    return fields | {
        "pdgId": record.id[kept],
        "status": rows["status"][kept].astype(np.uint8),
        "statusFlags": rows["flags"][kept],
        "genPartIdxMother": mothers,
    }


def _pseudorapidity(pt: Floats, pz: Floats) -> Floats:
    with np.errstate(divide="ignore", invalid="ignore"):
        eta = np.where(pz == 0.0, 0.0, np.arcsinh(pz / pt))
    return np.clip(eta, -MAX_ETA, MAX_ETA)


def _jagged_records(fields: dict[str, NDArray[Any]], offsets: Ints) -> ak.Array:
    contents = [ak.contents.NumpyArray(field) for field in fields.values()]
    record = ak.contents.RecordArray(contents, list(fields))
    return ak.Array(ak.contents.ListOffsetArray(ak.index.Index64(offsets), record))


@kernel
def select_rows(rows: Records, offsets: Ints) -> tuple[Ints, NDArray[np.int16], Ints]:
    """Annotates rows and selects those to be stored, each with its mother among the stored ones.

    Args:
        rows: of type :data:`~sonicmini.simulation.genflags.ROW`, without status and flags.
        offsets: where events begin; shape ``(events + 1,)``.

    Returns:
        The kept rows; the mother of each, counted from the first one of its event, -1 for none; the
        offsets of events among the kept rows.
    """
    kept = np.empty(len(rows), np.int64)
    mothers = np.empty(len(rows), np.int16)
    starts = np.zeros(len(offsets), np.int64)
    total = 0
    for index in range(len(offsets) - 1):
        begin = offsets[index]
        event = rows[begin : offsets[index + 1]]
        annotate(event)
        position = np.full(len(event), -1, np.int16)
        for row in range(1, len(event)):
            if _is_stored(event[row]):
                ancestor = _parent(row, event)
                while ancestor != NONE and position[ancestor] < 0:
                    ancestor = event[ancestor].mother1
                mothers[total] = position[ancestor] if ancestor != NONE else -1
                position[row] = total - starts[index]
                kept[total] = begin + row
                total += 1
        starts[index + 1] = total
    return kept[:total], mothers[:total], starts


@kernel
def _is_stored(particle: Any) -> bool:  # noqa: ANN401 (a record of numba)
    kind, status = int(abs(particle.pdgId)), int(particle.status)
    if status in (1, 2) or 20 < status < 30:
        return True
    if kind <= 5 or kind == 21:
        hadronises = 70 < abs(particle.pythiaStatus) < 80
        return bool(hadronises and (kind in (4, 5) or particle.pt > PARTON_PT_MIN))
    if kind == 6 or 22 < kind < 40:
        return bool(particle.flags & (IS_FIRST_COPY | IS_LAST_COPY))
    return 10 < kind < 17 and bool(particle.flags & IS_LAST_COPY)


@kernel
def _parent(row: int, event: Records) -> int:
    """The mother of a row; of all partons of a string the one that its heavy quark comes from."""
    first, last, code = event[row].mother1, event[row].mother2, abs(event[row].pythiaStatus)
    quark = heavy_quark(event[row].pdgId)
    if quark != 0 and (81 <= code <= 86 or 101 <= code <= 106):
        for parton in range(first, last + 1):
            if event[parton].pdgId == quark:
                return parton
    return int(first)
