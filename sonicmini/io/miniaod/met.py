"""Missing transverse momentum."""

from sonicmini.io.miniaod.parts import real
from sonicmini.io.schema import Collection


def met(product: str, title: str, *, sum_et: bool) -> Collection:
    """Pt and phi, and the scalar sum if ``sum_et``."""
    branches = (
        real("pt", "GeV", "missing transverse momentum", 16),
        real("phi", "rad", "azimuth", 16),
    )
    extra = (real("sumEt", "GeV", "scalar sum of transverse energies", 16),) if sum_et else ()
    return Collection(product, title, "single", branches + extra)


COLLECTIONS = (
    met("RawMET", "from all candidates, uncorrected", sum_et=True),
    met("RawPuppiMET", "from candidates times PUPPI weight, uncorrected", sum_et=True),
    met("DeepMETResolutionTune", "from the DeepMET network", sum_et=False),
)
