"""DeepTau: scores of taus against electrons, muons and jets.

The interface is that of CMS's network 2018v2p5 (``DeepTauIdSonicProducer``): a row of numbers and
six grids for each tau in; probabilities of an electron, a muon, a tau and a jet out.
"""

import logging
from copy import copy
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, Self, cast

import numpy as np

from sonicmini.errors import ModuleError
from sonicmini.event import Array, Products, Tensors
from sonicmini.module import SonicProducer
from sonicmini.modules.columns import Bools, flat, jagged, offsets_of
from sonicmini.modules.networks.deeptau import scaling, scores
from sonicmini.modules.networks.deeptau.inputs import CONSUMES, KNOWN, deeptau_inputs
from sonicmini.resources import bundled

_OUTPUT: Final = "main_output/Softmax"
_BUNDLED: Final = "models/deeptau_2018v2p5"

_log = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True)
class DeepTau(SonicProducer):
    """Tells hadronic taus from electrons, muons and jets.

    Attributes:
        model: its network in the model repository.
        prediscriminants: columns of ``SlimmedTau`` that must all be true (CMS uses none for taus
            of the Mini-AOD). Other taus are not sent: their scores are -1.
    """

    consumes = CONSUMES
    produces = ("TauDeepTau",)

    model: str = "deeptau_2018v2p5"
    prediscriminants: tuple[str, ...] = ()
    _scaling: scaling.Scaling | None = field(default=None, init=False, repr=False)
    _points: scores.WorkingPoints | None = field(default=None, init=False, repr=False)

    def configured(self, folder: Path) -> Self:
        """The same with the scaling and the working points that lie beside the network.

        CMS's own repositories have neither: CMSSW has the numbers of 2018v2p5 in its code, and the
        bundled model has the same.

        Raises:
            ModelError: a file is unreadable, or asks for what there is not.
        """
        beside = (folder / scaling.FILE).is_file()
        numbers = scaling.Scaling.read(folder if beside else bundled(_BUNDLED), KNOWN)
        points = scores.read_working_points(folder)
        if points is None:
            _log.warning("%s has no %s: idDeepTau2018v2p5... will be -1", folder, scores.FILE)
        configured = copy(self)
        object.__setattr__(configured, "_scaling", numbers)
        object.__setattr__(configured, "_points", points)
        return configured

    def acquire(self, inputs: Products) -> Tensors:
        """Returns the scaled inputs, one row per tau that is sent, the grids sparse."""
        if self._scaling is None:
            raise ModuleError("DeepTau has no network yet: call configured() first")
        return deeptau_inputs(inputs, self._sent(inputs), self._scaling)

    def produce(self, inputs: Products, outputs: Tensors) -> Products:
        """Returns scores and working points, parallel to ``SlimmedTau``."""
        probabilities = cast("Array", outputs[_OUTPUT]).astype(np.float32)
        columns = scores.discriminators(probabilities, self._sent(inputs), self._points)
        return {"TauDeepTau": jagged(offsets_of(inputs["SlimmedTau"]), columns)}

    def _sent(self, inputs: Products) -> Bools:
        """Which taus the network is asked about."""
        taus = inputs["SlimmedTau"]
        if unknown := [name for name in self.prediscriminants if name not in taus.fields]:
            raise ModuleError(f"DeepTau: SlimmedTau has no column {', '.join(unknown)}")
        sent: Bools = np.ones(offsets_of(taus)[-1], np.bool_)
        for name in self.prediscriminants:
            sent &= flat(taus, name, np.bool_)
        return sent
