"""DeepMET: missing transverse momentum as a learned weighted sum of candidates.

The interface is that of CMS's network (DeepMETSonicProducer): one tensor of eight numbers and three
of categories for each of up to 4500 packed candidates in; the missing momentum over 50 GeV out.
"""

from dataclasses import dataclass
from typing import Final, cast

import awkward as ak
import numpy as np
from numpy.typing import NDArray

from sonicmini.errors import ModuleError
from sonicmini.event import Array, Products, Ragged, Tensors
from sonicmini.module import SonicProducer

SCALE: Final = 50.0
"""Momenta enter and leave the network in units of this, in GeV."""

_OUTLIER = 1e6
_OUTPUT = "output/BiasAdd"
_CATEGORIES: Final = {
    "charge": (-1, 0, 1),
    "pdgId": (-211, -13, -11, 0, 1, 2, 11, 13, 22, 130, 211),
    "fromPV": (0, 1, 2, 3),
}


@dataclass(frozen=True, kw_only=True)
class DeepMET(SonicProducer):
    """Estimates the missing transverse momentum from all packed candidates.

    Its network is tuned for resolution (CMS: ``deepMETsResolutionTune``).

    Attributes:
        model: its network in the model repository.
        ignore_leptons: leave electrons and muons to the sum of their momenta instead.
    """

    consumes = ("PackedPFCand",)
    produces = ("DeepMETResolutionTune",)

    model: str = "deepmet/1"
    ignore_leptons: bool = False

    def acquire(self, inputs: Products) -> Tensors:
        """Returns the features of the candidates, one ragged row per event.

        Raises:
            ModuleError: if a candidate has a charge, pdgId or fromPV that the network does not
                know.
        """
        candidates = inputs["PackedPFCand"]
        if self.ignore_leptons:
            candidates = candidates[~_is_lepton(candidates)]
        return deepmet_inputs(candidates)

    def produce(self, inputs: Products, outputs: Tensors) -> Products:
        """Returns the missing momentum, with fields pt (GeV) and phi."""
        met = SCALE * cast("Array", outputs[_OUTPUT]).astype(np.float32)
        if self.ignore_leptons:
            candidates = inputs["PackedPFCand"]
            leptons = candidates[_is_lepton(candidates)]
            met -= np.stack(
                [
                    ak.to_numpy(ak.sum(leptons.pt * function(leptons.phi), axis=1))
                    for function in (np.cos, np.sin)
                ],
                axis=1,
            ).astype(np.float32)
        record = {"pt": np.hypot(met[:, 0], met[:, 1]), "phi": np.arctan2(met[:, 1], met[:, 0])}
        return {self.produces[0]: ak.Array(record)}


@dataclass(frozen=True, kw_only=True)
class DeepMETResponse(DeepMET):
    """The same from a network whose response is one over the whole range of momenta.

    CMS: ``deepMETsResponseTune``. It has the same inputs.
    """

    produces = ("DeepMETResponseTune",)

    model: str = "deepmet/2"


def deepmet_inputs(candidates: ak.Array) -> dict[str, Ragged]:
    """Features of the packed candidates in their order, as CMS's network expects them.

    Momenta are divided by 50 GeV, and 0 where that is not finite or beyond 1e6; the other numbers
    enter as they are. ``dz`` is that to the leading vertex.

    Raises:
        ModuleError: for values that are no category of the network.
    """
    counts = ak.to_numpy(ak.num(candidates, axis=1)).astype(np.int64)
    flat = {name: ak.to_numpy(ak.flatten(candidates[name], axis=1)) for name in _FIELDS}
    pt, phi = flat["pt"], flat["phi"]
    columns = (
        *(flat[name] for name in ("dxy", "dz", "eta", "mass")),
        _scaled(pt),
        flat["puppiWeight"],
        _scaled(pt * np.cos(phi)),
        _scaled(pt * np.sin(phi)),
    )
    content = np.empty((len(pt), len(columns)), np.float32)
    for index, column in enumerate(columns):
        content[:, index] = column
    categories = {
        f"input_cat{index}": Ragged(_category(name, flat[name])[:, np.newaxis], counts)
        for index, name in enumerate(_CATEGORIES)
    }
    return {"input": Ragged(content, counts), **categories}


_FIELDS = ("pt", "phi", "dxy", "dz", "eta", "mass", "puppiWeight", *_CATEGORIES)


def _scaled(momentum: Array) -> NDArray[np.float32]:
    scaled = momentum.astype(np.float32) / np.float32(SCALE)
    scaled[~(np.abs(scaled) <= _OUTLIER)] = 0
    return scaled


def _category(name: str, values: Array) -> NDArray[np.float32]:
    """Position of each value among the network's categories, a float as the network wants it."""
    known = np.array(_CATEGORIES[name])
    position = np.minimum(np.searchsorted(known, values), len(known) - 1)
    if len(unknown := np.unique(values[known[position] != values])):
        raise ModuleError(
            f"DeepMET: candidates have {name} {', '.join(map(str, unknown))};"
            f" its network knows {', '.join(map(str, known))}"
        )
    return position.astype(np.float32)


def _is_lepton(candidates: ak.Array) -> ak.Array:
    kind = abs(candidates.pdgId)
    return (kind == 11) | (kind == 13)
