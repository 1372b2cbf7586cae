"""The Mini-AOD output: every collection and branch with type, unit and title.

Built from the same classes as the input's table. Names are NanoAOD's where it has one; a product
whose name says how it was made is stored under NanoAOD's prefix (``PackedPFCand`` as ``PFCand``).
Collections that no module changes are those of the input's table, without the indices into
collections that are not written or are written in another order.
"""

from itertools import chain

from sonicmini.io.miniaod import (
    candidates,
    gen,
    jets,
    leptons,
    met,
    substructure,
    taggers,
    taus,
    taus_id,
    tracks,
    trigger,
    vertices,
)
from sonicmini.io.schema import AOD, Collection

MINIAOD_FORMAT = ("sonicmini-miniaod", 1)
"""Name and version of the output format."""

_PARTS = (
    vertices,
    candidates,
    tracks,
    jets,
    substructure,
    taggers,
    taus,
    taus_id,
    met,
    leptons,
    trigger,
    gen,
)

MINIAOD: dict[str, Collection] = {
    collection.product: collection
    for collection in (
        *(AOD[product] for product in ("run", "luminosityBlock", "event", "BeamSpot")),
        *chain.from_iterable(part.COLLECTIONS for part in _PARTS),
    )
}
"""All collections of the output format, by product name."""
