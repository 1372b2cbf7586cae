"""From matched jets to the corrections of one kind of jets, and to jets that test them."""

from typing import Final, NamedTuple

import numpy as np

from corrections.closure import uncertainties
from corrections.matched import Matched
from corrections.offset import Offset, fit_offsets, offset_factor
from corrections.resolution import fit_phi_resolutions, fit_pt_resolutions
from corrections.response import Curve, fit_responses, response_factor
from corrections.schema import Derived
from sonicmini.modules.columns import Floats, Ints

GEN_PT_MIN: Final = {"AK4PFchs": 12.0, "AK4PFPuppi": 12.0, "AK8PFPuppi": 55.0}
"""Generated pT (GeV) from which on jets count; uncorrected ones are kept above 5, AK8 above 30."""

FOLDS: Final = 5


class Levels(NamedTuple):
    """The levels of the correction.

    Attributes:
        offsets: of level 1; None: pileup is not subtracted.
        curves: of levels 2 and 3.
    """

    offsets: list[Offset] | None
    curves: list[Curve]

    def level1(self, pairs: Matched) -> Matched:
        """The jets after level 1."""
        if self.offsets is None:
            return pairs
        columns = vars(pairs) | {"pt": pairs.pt * offset_factor(pairs, self.offsets)}
        return Matched(**columns)

    def corrected(self, pairs: Matched) -> Floats:
        """The pT of the jets after all levels."""
        pairs = self.level1(pairs)
        return pairs.pt * response_factor(pairs, self.curves)


def fit_levels(name: str, pairs: Matched) -> Levels:
    """Derives the levels for one kind of jets (CMS's name)."""
    levels = Levels(None if name.endswith("Puppi") else fit_offsets(pairs), [])
    return levels._replace(curves=fit_responses(levels.level1(pairs)))


def cross_corrected(name: str, pairs: Matched, sample: Ints) -> Floats:
    """The corrected pT, of each fifth of the samples with levels derived from the other four.

    Args:
        name: of the kind of jets.
        pairs: of all samples.
        sample: to which each belongs.
    """
    pt = np.empty_like(pairs.pt)
    for fold in range(FOLDS):
        tested = sample % FOLDS == fold
        pt[tested] = fit_levels(name, pairs.where(~tested)).corrected(pairs.where(tested))
    return pt


def fit(name: str, pairs: Matched, independent: Floats) -> Derived:
    """Derives all corrections for one kind of jets.

    Args:
        name: of the kind of jets.
        pairs: of all samples.
        independent: their pT corrected by :func:`cross_corrected`.
    """
    levels = fit_levels(name, pairs)
    return Derived(
        name=name,
        offsets=levels.offsets,
        curves=levels.curves,
        pt_resolution=fit_pt_resolutions(pairs, levels.corrected(pairs)),
        phi_resolution=fit_phi_resolutions(pairs),
        uncertainty=uncertainties(pairs, independent),
    )
