"""Substructure of large jets."""

from sonicmini.io.schema import Collection

COLLECTIONS: tuple[Collection, ...] = ()
