"""Secondary vertices as they are stored (CMSSW: ``slimmedSecondaryVertices``, NanoAOD's ``SV``)."""

from dataclasses import dataclass

import numpy as np

from sonicmini.event import Products
from sonicmini.module import Producer
from sonicmini.modules.columns import Columns, events_of, flat, jagged, offsets_of
from sonicmini.modules.vertexing.packed import packed_places


@dataclass(frozen=True, kw_only=True)
class SlimmedSecondaryVertices(Producer):
    """All secondary vertices, their tracks as packed candidates."""

    consumes = ("InclusiveSV", "InclusiveSVCand", "PackedPFCand")
    produces = ("SV", "SVPFCand")

    def produce(self, inputs: Products) -> Products:
        """Returns the vertices with reduced ``chi2``, and pairs of vertex and packed candidate.

        ``chi2`` is -1 where there are no degrees of freedom above 0: two tracks of small weight.
        """
        vertices, links = inputs["InclusiveSV"], inputs["InclusiveSVCand"]
        columns: Columns = {name: flat(vertices, name, None) for name in vertices.fields}
        chi2, ndof = columns["chi2"], columns["ndof"]
        columns["chi2"] = np.where(ndof > 0, chi2 / np.where(ndof > 0, ndof, 1.0), -1.0)

        offsets = offsets_of(links)
        vertex, candidate = flat(links, "svIdx", np.int64), flat(links, "candIdx", np.int64)
        place = packed_places(inputs["PackedPFCand"], events_of(offsets), candidate)
        order = np.lexsort((place, vertex, events_of(offsets)))
        pairs = {"svIdx": vertex[order], "pfCandIdx": place[order]}
        return {"SV": jagged(offsets_of(vertices), columns), "SVPFCand": jagged(offsets, pairs)}
