"""Events for DeepTau: those of a sample, and random ones in which every branch is taken."""

import functools

import awkward as ak
import numpy as np

from sonicmini.io.miniaod import MINIAOD
from sonicmini.modules.networks.deeptau.inputs import CONSUMES
from sonicmini.resources import bundled
from training.chain import Chain

TAUS = (3, 0, 1, 2)
"""Taus of each random event."""

_SIZES = {
    "PackedPFCand": (60, 20, 0, 40),
    "SlimmedElectron": (4, 1, 0, 5),
    "SlimmedMuon": (5, 0, 0, 4),
    "SlimmedPV": (4, 1, 0, 2),
}
_IDS = (211, -211, 211, 130, 22, 22, 11, -13, 1, 2)


@functools.cache
def sample_events():
    """The ten events of the small sample, through our chain."""
    chain = Chain(CONSUMES)
    (chunk,) = chain.chunks(bundled("sample_data") / "ttbar_10.root")
    return {name: chunk.products[name] for name in CONSUMES}


def as_list(products):
    """Events one by one: dictionaries of lists of objects."""
    columns = {name: array.to_list() for name, array in products.items()}
    return [dict(zip(columns, event, strict=True)) for event in zip(*columns.values(), strict=True)]


def random_events(seed=1):
    """Objects near and far from taus, many in a cell, with and without what they may lack."""
    rng = np.random.default_rng(seed)
    taus = _collection(rng, "SlimmedTau", TAUS)
    taus["pt"] = rng.uniform(18, 200, sum(TAUS)).astype(np.float32)
    taus["eta"] = rng.choice([0.1, 1.5, -2.2], sum(TAUS)).astype(np.float32)
    # Near the edge of azimuth, where differences wrap around.
    taus["phi"] = rng.choice([3.1, -3.1, 0.2], sum(TAUS)).astype(np.float32)
    taus["decayMode"] = rng.choice([0, 1, 5, 10, 11], sum(TAUS)).astype(np.int16)
    for name in ("chargedIso", "neutralIso", "ipDxyErr", "ip3d", "eRatio", "gjAngleDiff"):
        taus[name] *= rng.choice([0, 1], sum(TAUS))
    products = {name: _around(rng, name, sizes) for name, sizes in _SIZES.items()}
    products["SlimmedTau"] = ak.unflatten(ak.zip(taus), TAUS)
    products["TauPFCand"] = _links(rng)
    products["Rho"] = ak.Array({"fixedGridRhoAll": rng.uniform(5, 40, len(TAUS))})
    return {name: products[name] for name in CONSUMES}


def _collection(rng, product, sizes):
    """Random columns of the output's table, signed where they may be."""
    total = sum(sizes)
    columns = {}
    for branch in MINIAOD[product].branches:
        if branch.dtype == "float32":
            columns[branch.name] = rng.normal(0, 1, total).astype(np.float32)
        elif branch.dtype == "bool":
            columns[branch.name] = rng.choice([True, False], total)
        else:
            columns[branch.name] = rng.integers(0, 12, total).astype(branch.dtype)
    return columns


def _around(rng, product, sizes):
    columns = _collection(rng, product, sizes)
    total, event = sum(sizes), np.repeat(np.arange(len(sizes)), sizes)
    if "pt" in columns:
        # Distinct: of equally hard objects in a cell the first would be seen.
        columns["pt"] = rng.permutation(np.geomspace(0.3, 90, total)).astype(np.float32)
        width = rng.choice([0.03, 0.2], total)
        eta = rng.choice([0.1, 1.5, -2.2], total) + rng.normal(0, width)
        phi = rng.choice([3.1, -3.1, 0.2], total) + rng.normal(0, width)
        columns["eta"] = eta.astype(np.float32)
        columns["phi"] = ((phi + np.pi) % (2 * np.pi) - np.pi).astype(np.float32)
    if "pvIdx" in columns:
        n_vertices = np.array(_SIZES["SlimmedPV"])[event]
        columns["pvIdx"] = np.where(
            n_vertices > 0, rng.integers(0, 100, total) % np.maximum(n_vertices, 1), -1
        ).astype(np.int16)
        columns["pdgId"] = rng.choice(_IDS, total).astype(np.int16)
    if "pfCandIdx" in columns:
        n_candidates = np.array(_SIZES["PackedPFCand"])[event]
        columns["pfCandIdx"] = (rng.integers(-30, 100, total) % n_candidates).astype(np.int16)
        columns["pfCandIdx"][rng.random(total) < 0.3] = -1
    return ak.unflatten(ak.zip(columns), sizes)


def _links(rng):
    """Candidates of taus by tau and role; the second tau of the first event has no charged one."""
    events: list[list[dict[str, int]]] = []
    for n_taus, n_candidates in zip(TAUS, _SIZES["PackedPFCand"], strict=True):
        pairs: list[dict[str, int]] = []
        for tau in range(n_taus if n_candidates else 0):
            roles = [1, 3] if (len(events), tau) == (0, 1) else [0, 0, 1, 3]
            for role in roles:
                place = int(rng.integers(0, n_candidates))
                pairs.append({"tauIdx": tau, "pfCandIdx": place, "role": role})
        events.append(pairs)
    empty = ak.Array([[{"tauIdx": 0, "pfCandIdx": 0, "role": 0}]])
    return ak.concatenate([empty, ak.Array(events)])[1:]
