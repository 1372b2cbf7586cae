"""Missing transverse momentum."""

from sonicmini.io.miniaod.parts import real
from sonicmini.io.schema import Branch, Collection

_VARIATIONS = (
    ("JESUp", "jets a standard deviation of their calibration higher"),
    ("JESDown", "jets a standard deviation of their calibration lower"),
    ("UnclusteredUp", "candidates outside jets a standard deviation higher"),
    ("UnclusteredDown", "candidates outside jets a standard deviation lower"),
)


def vector(suffix: str = "", remark: str = "", bits: int = 16) -> tuple[Branch, ...]:
    """Pt and phi with a suffix; ``remark`` says what it stands for."""
    about = f", {remark}" if remark else ""
    return (
        real(f"pt{suffix}", "GeV", f"missing transverse momentum{about}", bits),
        real(f"phi{suffix}", "rad", f"azimuth{about}", bits),
    )


_SUM_ET = real("sumEt", "GeV", "scalar sum of transverse energies", 16)

_TYPE1 = (
    *vector(),
    _SUM_ET,
    *(branch for suffix, remark in _VARIATIONS for branch in vector(suffix, remark, 12)),
    real("significance", "", "chi2 of it being nothing, two degrees of freedom", 10),
    real("covXX", "GeV2", "variance of x", 8),
    real("covXY", "GeV2", "covariance of x and y", 8),
    real("covYY", "GeV2", "variance of y", 8),
    real("sumPtUnclustered", "GeV", "scalar sum of transverse momenta outside jets", 10),
)


def raw(product: str, title: str) -> Collection:
    """Pt, phi and the scalar sum."""
    return Collection(product, title, "single", (*vector(), _SUM_ET))


def type1(product: str, title: str) -> Collection:
    """A missing momentum with calibrated jets, its variations and its covariance."""
    return Collection(product, title, "single", _TYPE1)


COLLECTIONS = (
    type1("MET", "from all candidates, with calibrated jets (type 1)"),
    type1("PuppiMET", "from candidates times PUPPI weight, with calibrated jets (type 1)"),
    type1("ChsMET", "from candidates not from pileup, with calibrated jets (type 1)"),
    type1("METNoHF", "from candidates outside HF, with calibrated jets (type 1)"),
    raw("RawMET", "from all candidates, uncorrected"),
    raw("RawPuppiMET", "from candidates times PUPPI weight, uncorrected"),
    raw("RawChsMET", "from candidates not from pileup, uncorrected"),
    raw("RawMETNoHF", "from candidates outside HF, uncorrected"),
    raw("TkMET", "from charged candidates of the leading vertex"),
    Collection(
        "DeepMETResolutionTune", "from DeepMET, tuned for its resolution", "single", vector()
    ),
    Collection("DeepMETResponseTune", "from DeepMET, tuned for its response", "single", vector()),
)
