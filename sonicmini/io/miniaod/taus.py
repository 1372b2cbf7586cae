"""Hadronic taus."""

from sonicmini.io.schema import Collection

COLLECTIONS: tuple[Collection, ...] = ()
