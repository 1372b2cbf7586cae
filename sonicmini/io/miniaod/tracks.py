"""Tracks that no candidate uses, and isolated ones."""

from sonicmini.io.schema import Collection

COLLECTIONS: tuple[Collection, ...] = ()
