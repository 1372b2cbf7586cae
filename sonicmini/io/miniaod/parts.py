"""Building blocks of the tables of collections."""

from dataclasses import replace

from sonicmini.io.schema import AOD, Branch, Collection, DType


def real(name: str, unit: str, title: str, bits: int | None = None) -> Branch:
    """A number with this many bits of mantissa, all if None."""
    return Branch(name, "float32", unit, title, bits)


def integer(name: str, title: str, dtype: DType = "int16") -> Branch:
    """A count, an index or a flag."""
    return Branch(name, dtype, "", title)


def p4(pt: str, bits: int | None) -> tuple[Branch, ...]:
    """pt, eta, phi and mass; ``pt`` is the title of the first."""
    return (
        real("pt", "GeV", pt, bits),
        real("eta", "", "pseudorapidity", bits),
        real("phi", "rad", "azimuth", bits),
        real("mass", "GeV", "mass", bits),
    )


def without(product: str, *names: str) -> Collection:
    """The input's collection less some branches."""
    collection = AOD[product]
    kept = tuple(branch for branch in collection.branches if branch.name not in names)
    return replace(collection, branches=kept)
