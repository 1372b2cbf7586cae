"""Trigger and event filters."""

from sonicmini.io.miniaod.parts import integer
from sonicmini.io.schema import AOD, Collection

_FILTERS = {
    "goodVertices": "a vertex with ndof above 4, within 24 cm along and 2 cm off the beam",
    "BadPFMuonFilter": "no badly measured muon above 100 GeV among the candidates",
    "BadPFMuonDzFilter": "no such muon further than 0.5 cm from the leading vertex",
    "BadChargedCandidateFilter": "no charged hadron made of the track of such a muon",
    "METFilters": "passes all filters",
}

FLAG = Collection(
    "Flag",
    "event filters: true is good (CMS: MET filters of TriggerResults)",
    "single",
    tuple(integer(name, title, "bool") for name, title in _FILTERS.items()),
)

COLLECTIONS = (AOD["HLT"], AOD["TrigObj"], FLAG)
"""What the trigger found is written as it is read."""
