"""Answers of DeepTau, stored as columns beside those of the taus."""

from sonicmini.io.miniaod.parts import integer, real
from sonicmini.io.schema import Branch, Collection

_AGAINST = {"VSe": "electrons", "VSmu": "muons", "VSjet": "jets"}


def _columns(suffix: str, what: str) -> tuple[Branch, Branch]:
    name = f"DeepTau2018v2p5{suffix}"
    points = f"working points against {what} passed, the loosest first, -1 if there are none"
    return (
        integer(f"id{name}", points),
        real(f"raw{name}", "", f"score against {what} from 0 to 1", 10),
    )


TAU_DEEPTAU = Collection(
    "TauDeepTau",
    "scores of Tau by DeepTau",
    "jagged",
    tuple(branch for suffix, what in _AGAINST.items() for branch in _columns(suffix, what)),
    prefix="Tau",
)

COLLECTIONS = (TAU_DEEPTAU,)
