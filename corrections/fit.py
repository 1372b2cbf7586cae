"""From matched jets to the corrections of one kind of jets."""

from typing import Final

from corrections.closure import uncertainties
from corrections.matched import Matched
from corrections.offset import fit_offsets, offset_factor
from corrections.resolution import fit_phi_resolutions, fit_pt_resolutions
from corrections.response import fit_responses, response_factor
from corrections.schema import Derived

GEN_PT_MIN: Final = {"AK4PFchs": 12.0, "AK4PFPuppi": 12.0, "AK8PFPuppi": 55.0}
"""Generated pT (GeV) from which on jets count; uncorrected ones are kept above 5, AK8 above 30."""


def fit(name: str, pairs: Matched, others: Matched) -> Derived:
    """Derives all corrections.

    Args:
        name: of the kind of jets, CMS's.
        pairs: of the sample for the derivation.
        others: of the independent sample, for the uncertainty.
    """
    offsets = None if name.endswith("Puppi") else fit_offsets(pairs)

    def level1(chosen: Matched) -> Matched:
        factor = 1.0 if offsets is None else offset_factor(chosen, offsets)
        columns = vars(chosen) | {"pt": chosen.pt * factor}
        return Matched(**columns)

    pairs = level1(pairs.where(pairs.gen_pt >= GEN_PT_MIN[name]))
    others = level1(others.where(others.gen_pt >= GEN_PT_MIN[name]))
    curves = fit_responses(pairs)
    pt = pairs.pt * response_factor(pairs, curves)
    return Derived(
        name=name,
        offsets=offsets,
        curves=curves,
        pt_resolution=fit_pt_resolutions(pairs, pt),
        phi_resolution=fit_phi_resolutions(pairs),
        uncertainty=uncertainties(others, others.pt * response_factor(others, curves)),
    )
