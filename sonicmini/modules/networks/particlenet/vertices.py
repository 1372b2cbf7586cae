"""The features of secondary vertices, by the names that CMSSW gives them.

CMSSW: ``DeepBoostedJetTagInfoProducer``. Values are as they are before ``preprocess.json`` scales
them.
"""

from collections.abc import Callable, Mapping, Sequence
from functools import cached_property
from typing import Final, TypeAlias

import numpy as np
from numpy.typing import NDArray

from sonicmini.event import Products
from sonicmini.modules.columns import Floats, flat
from sonicmini.modules.networks.particlenet.jets import JetKind, Members, vertices_of, wrapped


class VertexRows:
    """Secondary vertices of jets: columns of shape ``(rows,)``.

    Args:
        inputs: products of a chunk.
        kind: of jets.
        members: the rows.
    """

    def __init__(self, inputs: Products, kind: JetKind, members: Members) -> None:
        self._vertices, self._jets = inputs["SV"], inputs[kind.jets]
        self._members = members

    def column(self, name: str) -> Floats:
        """A column of the vertices."""
        return flat(self._vertices, name)[self._members.member]

    def jet(self, name: str) -> Floats:
        """A column of the jets."""
        return flat(self._jets, name)[self._members.jet]

    @cached_property
    def from_axis(self) -> tuple[Floats, Floats]:
        """Pseudorapidity and azimuth of the momentum less those of the jet."""
        eta = self.column("eta") - self.jet("eta")
        return eta, wrapped(self.column("phi") - self.jet("phi"))

    @cached_property
    def energy_ratio(self) -> Floats:
        """Energy over that of the jet."""
        ours, of_jet = (
            np.hypot(get("pt") * np.cosh(get("eta")), get("mass"))
            for get in (self.column, self.jet)
        )
        return ours / of_jet

    def __len__(self) -> int:
        return len(self._members.jet)


Feature: TypeAlias = Callable[[VertexRows], Floats]


def _normalised_chi2(rows: VertexRows) -> Floats:
    """Chi2 over degrees of freedom, 0 without any."""
    return np.maximum(rows.column("chi2"), 0.0)


FEATURES: Final[Mapping[str, Feature]] = {
    "sv_mask": lambda rows: np.ones(len(rows)),
    "sv_pt": lambda rows: rows.column("pt"),
    "sv_pt_log": lambda rows: np.log(rows.column("pt")),
    "sv_ptrel": lambda rows: rows.column("pt") / rows.jet("pt"),
    "sv_ptrel_log": lambda rows: np.log(rows.column("pt") / rows.jet("pt")),
    "sv_erel": lambda rows: rows.energy_ratio,
    "sv_erel_log": lambda rows: np.log(rows.energy_ratio),
    "sv_mass": lambda rows: rows.column("mass"),
    "sv_etarel": lambda rows: np.where(rows.jet("eta") > 0, 1.0, -1.0) * rows.from_axis[0],
    "sv_phirel": lambda rows: rows.from_axis[1],
    "sv_deltaR": lambda rows: np.hypot(*rows.from_axis),
    "sv_abseta": lambda rows: np.abs(rows.column("eta")),
    "sv_ntracks": lambda rows: rows.column("ntracks"),
    "sv_normchi2": _normalised_chi2,
    "sv_dxy": lambda rows: rows.column("dxy"),
    "sv_dxysig": lambda rows: rows.column("dxySig"),
    "sv_d3d": lambda rows: rows.column("dlen"),
    "sv_d3dsig": lambda rows: rows.column("dlenSig"),
    "sv_costhetasvpv": lambda rows: np.cos(rows.column("pAngle")),
}
"""All features by name; each makes a column of shape ``(rows,)``."""


def vertex_features(
    inputs: Products, jets: JetKind, names: Sequence[str], *, max_length: int
) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
    """Raw features of the secondary vertices of all jets.

    Args:
        inputs: products of a chunk, those of ``JetKind.consumes``.
        jets: which jets.
        names: of features, keys of ``FEATURES``.
        max_length: at most so many vertices of a jet, those of the most significant flight.

    Returns:
        Features, shape ``(rows, features)``, by jet and falling significance of the transverse
        flight; number of rows of each jet.
    """
    members = vertices_of(inputs, jets, max_length)
    rows = VertexRows(inputs, jets, members)
    features = np.empty((len(names), len(rows)), np.float32)
    for index, name in enumerate(names):
        features[index] = FEATURES[name](rows)
    return features.T, members.counts
