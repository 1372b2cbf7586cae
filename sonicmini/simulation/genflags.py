"""CMS's 15 generator status flags, from Pythia's event record.

The definitions are those of ``MCTruthHelper`` (CMSSW, PhysicsTools/HepMCCandAlgos), the bits in
NanoAOD's order. Functions take a row number and the rows of one event, an array of :data:`ROW`.
Rows are numbered as in Pythia's record, where 0 is the event as a whole: among mothers and
daughters, 0 means none.
"""

from typing import Final

import numpy as np

from sonicmini.simulation.kernel import Records, kernel
from sonicmini.simulation.pdgid import is_hadron

IS_PROMPT: Final = 1 << 0
IS_DECAYED_LEPTON_HADRON: Final = 1 << 1
IS_TAU_DECAY_PRODUCT: Final = 1 << 2
IS_PROMPT_TAU_DECAY_PRODUCT: Final = 1 << 3
IS_DIRECT_TAU_DECAY_PRODUCT: Final = 1 << 4
IS_DIRECT_PROMPT_TAU_DECAY_PRODUCT: Final = 1 << 5
IS_DIRECT_HADRON_DECAY_PRODUCT: Final = 1 << 6
IS_HARD_PROCESS: Final = 1 << 7
FROM_HARD_PROCESS: Final = 1 << 8
IS_HARD_PROCESS_TAU_DECAY_PRODUCT: Final = 1 << 9
IS_DIRECT_HARD_PROCESS_TAU_DECAY_PRODUCT: Final = 1 << 10
FROM_HARD_PROCESS_BEFORE_FSR: Final = 1 << 11
IS_FIRST_COPY: Final = 1 << 12
IS_LAST_COPY: Final = 1 << 13
IS_LAST_COPY_BEFORE_FSR: Final = 1 << 14

NONE: Final = 0

ROW = np.dtype(
    [
        ("pdgId", np.int32),
        ("pythiaStatus", np.int32),
        ("mother1", np.int32),
        ("mother2", np.int32),
        ("daughter1", np.int32),
        ("daughter2", np.int32),
        ("pt", np.float64),
        ("status", np.int32),
        ("flags", np.uint32),
    ]
)
"""A row of Pythia's event record; ``status`` and ``flags`` are filled by :func:`annotate`."""


@kernel
def annotate(event: Records) -> None:
    """Fills HepMC's status and the status flags of all rows of an event."""
    for row in range(1, len(event)):
        event[row].status = hepmc_status(row, event)
    # Each step reads what the one before has set in all rows.
    for row in range(1, len(event)):
        event[row].flags = copy_flags(row, event)
    for row in range(1, len(event)):
        event[row].flags |= hard_process_flags(row, event)
    for row in range(1, len(event)):
        event[row].flags |= decay_flags(row, event)


@kernel
def hepmc_status(row: int, event: Records) -> int:
    """Status in HepMC's convention: 1 stable, 2 decayed, 4 beam, otherwise Pythia's code."""
    code = event[row].pythiaStatus
    if code > 0:
        return 1
    if code == -12:
        return 4
    pdg_id, first = event[row].pdgId, event[row].daughter1
    if (is_hadron(pdg_id) or abs(pdg_id) in (13, 15)) and first != NONE:
        decays = event[first].pdgId != pdg_id and 91 <= abs(event[first].pythiaStatus) <= 94
        if decays:
            return 2
    return int(abs(code))


@kernel
def copy_flags(row: int, event: Records) -> int:
    """The flags that compare a row with its own copies, and whether it is in the hard process."""
    flags = 0
    if previous_copy(row, event) == NONE:
        flags |= IS_FIRST_COPY
    if next_copy(row, event) == NONE:
        flags |= IS_LAST_COPY
        pdg_id = event[row].pdgId
        if event[row].status == 2 and (is_hadron(pdg_id) or abs(pdg_id) in (13, 15)):
            flags |= IS_DECAYED_LEPTON_HADRON
    if last_copy_before_fsr(first_copy(row, event), event) == row:
        flags |= IS_LAST_COPY_BEFORE_FSR
    if is_hard_process(row, event):
        flags |= IS_HARD_PROCESS
    return flags


@kernel
def hard_process_flags(row: int, event: Records) -> int:
    """The flags of a row that is a copy of one in the hard process."""
    origin = row
    while origin != NONE and not event[origin].flags & IS_HARD_PROCESS:
        origin = previous_copy(origin, event)
    if origin == NONE:
        return 0
    status = event[origin].status
    before_fsr = (
        (status == 21 and origin == row)
        or (status == 22 and next_copy(row, event) == NONE)
        or (status in (1, 23) and last_copy_before_fsr(origin, event) == row)
    )
    return FROM_HARD_PROCESS | (FROM_HARD_PROCESS_BEFORE_FSR if before_fsr else 0)


@kernel
def decay_flags(row: int, event: Records) -> int:
    """The flags that ask for decayed ancestors."""
    flags = 0
    nearest = decayed_mother(row, event)
    if nearest == NONE:
        flags |= IS_PROMPT
    tau = nearest
    while tau != NONE and abs(event[tau].pdgId) != 15:
        tau = decayed_mother(tau, event)
    if tau != NONE:
        prompt = decayed_mother(tau, event) == NONE
        hard = event[tau].flags & FROM_HARD_PROCESS
        flags |= IS_TAU_DECAY_PRODUCT
        flags |= IS_PROMPT_TAU_DECAY_PRODUCT if prompt else 0
        flags |= IS_HARD_PROCESS_TAU_DECAY_PRODUCT if hard else 0
        if tau == nearest:
            flags |= IS_DIRECT_TAU_DECAY_PRODUCT
            flags |= IS_DIRECT_PROMPT_TAU_DECAY_PRODUCT if prompt else 0
            flags |= IS_DIRECT_HARD_PROCESS_TAU_DECAY_PRODUCT if hard else 0
    mother = unlike_mother(row, event)
    if mother != NONE and is_hadron(event[mother].pdgId) and is_decayed(mother, event):
        flags |= IS_DIRECT_HADRON_DECAY_PRODUCT
    return flags


@kernel
def is_hard_process(row: int, event: Records) -> bool:
    """Whether it is in the hard process: codes 21 to 29, or final straight from a resonance.

    A daughter that branches no further may have no row with code 23: its mother tells.
    """
    if 20 < event[row].status < 30:
        return True
    mother = event[row].mother1
    if event[row].status > 2 or mother == NONE:
        return False
    after = next_copy(mother, event)
    radiates = after != NONE and 50 < event[after].status < 60
    return bool(event[first_copy(mother, event)].status == 22 and not radiates)


@kernel
def is_decayed(row: int, event: Records) -> bool:
    """Whether it is the last copy of a hadron, muon or tau that decays."""
    return (event[row].flags & IS_DECAYED_LEPTON_HADRON) != 0


@kernel
def decayed_mother(row: int, event: Records) -> int:
    """The nearest ancestor, by first mothers, that is a decayed hadron, muon or tau."""
    mother = event[row].mother1
    while mother != NONE and not is_decayed(mother, event):
        mother = event[mother].mother1
    return int(mother)


@kernel
def unlike_mother(row: int, event: Records) -> int:
    """The nearest ancestor, by first mothers, that has another PDG code."""
    mother = event[row].mother1
    while mother != NONE and event[mother].pdgId == event[row].pdgId:
        mother = event[mother].mother1
    return int(mother)


@kernel
def previous_copy(row: int, event: Records) -> int:
    """The mother that is the same particle before an emission or recoil."""
    for mother in (event[row].mother1, event[row].mother2):
        if mother != NONE and event[mother].pdgId == event[row].pdgId:
            return int(mother)
    return NONE


@kernel
def next_copy(row: int, event: Records) -> int:
    """The daughter that is the same particle after an emission or recoil."""
    return daughter_like(row, event[row].pdgId, event)


@kernel
def daughter_like(row: int, pdg_id: int, event: Records) -> int:
    """The first daughter with a PDG code."""
    first, last = event[row].daughter1, event[row].daughter2
    if last < first and last != NONE:  # two that do not stand together
        if event[last].pdgId == pdg_id:
            return int(last)
        last = first
    for daughter in range(first, max(first, last) + 1):
        if daughter != NONE and event[daughter].pdgId == pdg_id:
            return int(daughter)
    return NONE


@kernel
def first_copy(row: int, event: Records) -> int:
    """The same particle before any emission or recoil."""
    before = previous_copy(row, event)
    while before != NONE:
        row = before
        before = previous_copy(row, event)
    return row


@kernel
def last_copy_before_fsr(row: int, event: Records) -> int:
    """The last copy, from this row downwards, before it emits a photon or gluon."""
    while not (daughter_like(row, 21, event) or daughter_like(row, 22, event)):
        after = next_copy(row, event)
        if after == NONE:
            break
        row = after
    return row
