"""Trigger."""

from sonicmini.io.schema import AOD

COLLECTIONS = (AOD["HLT"], AOD["TrigObj"])
