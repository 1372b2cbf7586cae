"""Toy events with every product of the input format: quick to make, roughly like collisions.

A few jets of a hard collision over pileup along z. Not physics: for tests of the mechanics, where
thousands of different events are wanted in no time.
"""

from collections.abc import Sequence
from typing import Any

import awkward as ak
import numpy as np
from numpy.typing import NDArray

from sonicmini.io.schema import AOD, Collection

Columns = dict[str, NDArray[Any]]


def toy_products(
    events: int,
    seed: int,
    *,
    candidates: Sequence[int] | None = None,
    vertices: Sequence[int] | None = None,
) -> dict[str, ak.Array]:
    """All products of ``io.schema.AOD`` with their types, one entry per event.

    Args:
        events: number of events.
        seed: the same seed gives the same events.
        candidates: number of particle-flow candidates of each event; default 200 to 1600.
        vertices: number of reconstructed primary vertices of each event; default 1 to 30.
    """
    rng = np.random.default_rng(seed)
    n_cand = rng.integers(200, 1600, events).tolist() if candidates is None else candidates
    n_pv = rng.integers(1, 31, events).tolist() if vertices is None else vertices
    made = [_event(rng, *sizes) for sizes in zip(n_cand, n_pv, strict=True)]
    products = {name: _product(table, [e[name] for e in made]) for name, table in AOD.items()}
    products["event"] = ak.Array(np.arange(1, events + 1, dtype=np.uint64))
    return products


def _product(table: Collection, events: list[Columns]) -> ak.Array:
    """Columns of all events, cast to the types of the table."""
    names = [branch.name for branch in table.branches]
    columns = {}
    for branch in table.branches:
        parts = [np.atleast_1d(event[branch.name]) for event in events]
        columns[branch.name] = np.concatenate([np.zeros(0), *parts]).astype(branch.dtype)
    if table.kind == "bare":
        return ak.Array(columns[names[0]])
    record = ak.zip(columns)
    if table.kind == "single":
        return record
    counts = [len(np.atleast_1d(event[names[0]])) for event in events]
    return ak.unflatten(record, np.array(counts, dtype=np.int64))


def _event(rng: np.random.Generator, n: int, n_pv: int) -> dict[str, Columns]:
    found: dict[str, Columns] = {"PV": _vertices(rng, n_pv)}
    vertex_z = np.append(found["PV"]["z"], rng.normal(0, 4, 1 + n_pv // 2))  # the last ones missed
    origin = np.where(rng.random(n) < 0.15, 0, rng.integers(0, len(vertex_z), n))
    found["PFCand"] = _candidates(rng, origin, n)
    found["Track"] = _tracks(rng, found, origin, vertex_z, n_pv)
    for name, table in AOD.items():
        if name not in found:
            found[name] = _anything(rng, table, n, len(found["Track"]["pt"]))
    return found


def _vertices(rng: np.random.Generator, n: int) -> Columns:
    sigma2 = rng.uniform(1e-3, 8e-3, n) ** 2
    columns = {name: np.zeros(n) for name in ("covXY", "covXZ", "covYZ", "isFake")}
    columns |= {"covXX": sigma2 / 4, "covYY": sigma2 / 4, "covZZ": sigma2}
    columns |= {"x": rng.normal(0.01, 2e-3, n), "y": rng.normal(0.04, 2e-3, n)}
    columns |= {"z": rng.normal(0, 4, n), "ndof": rng.exponential(40, n) + 1}
    return columns | {"chi2": columns["ndof"] * rng.uniform(0.5, 1.5, n)}


def _candidates(rng: np.random.Generator, origin: NDArray[np.int64], n: int) -> Columns:
    charged = rng.random(n) < 0.45
    axes = rng.uniform((-3, -np.pi), (3, np.pi), (4, 2))
    directions = axes[rng.integers(0, 4, n)] + rng.normal(0, 0.15, (n, 2))
    uniform = rng.uniform((-5, -np.pi), (5, np.pi), (n, 2))
    eta, phi = np.where((origin == 0)[:, np.newaxis], directions, uniform).T
    eta = np.where(charged, eta / 2, eta)
    sign = rng.choice([-1, 1], n)
    neutral = np.where(np.abs(eta) > 3, rng.choice([1, 2], n), rng.choice([22, 22, 130], n))
    kind = rng.choice([211] * 30 + [11, 13], n)
    pdg_id = np.where(charged, np.where(kind == 211, sign * kind, -sign * kind), neutral)
    columns = {
        "pt": np.exp(rng.normal(0, 0.8, n)) * np.where(origin == 0, 4, 0.8) + 0.3,
        "eta": eta,
        "phi": (phi + np.pi) % (2 * np.pi) - np.pi,
        "mass": np.where(charged | (pdg_id == 130), 0.1395, 0.0),
        "pdgId": pdg_id,
        "charge": np.where(charged, sign, 0),
        "trackIdx": np.where(charged, np.cumsum(charged) - 1, -1),
        "isIsolatedChargedHadron": (np.abs(pdg_id) == 211) & (rng.random(n) < 0.1),
    }
    energy = np.hypot(columns["mass"], columns["pt"] * np.cosh(eta))
    ecal = rng.random(n) * energy
    for name, scale in (("ecalEnergy", 1.0), ("rawEcalEnergy", 0.9)):
        columns[name] = scale * ecal
    for name, scale in (("hcalEnergy", 1.0), ("rawHcalEnergy", 0.8)):
        columns[name] = scale * (energy - ecal)
    return columns


def _tracks(
    rng: np.random.Generator,
    found: dict[str, Columns],
    origin: NDArray[np.int64],
    vertex_z: NDArray[np.float64],
    n_pv: int,
) -> Columns:
    """The tracks of charged candidates, and as many again per ten that no candidate uses."""
    cands = found["PFCand"]
    own = np.flatnonzero(cands["trackIdx"] >= 0)
    index = np.append(own, rng.choice(own, len(own) // 10)) if len(own) else own
    n = len(index)
    pt = np.abs(cands["pt"][index] * rng.normal(1, 0.01, n))
    eta = cands["eta"][index] + np.where(rng.random(n) < 0.5, rng.normal(0, 0.02, n), 0)
    phi = cands["phi"][index]
    error = 0.003 + 0.01 / pt
    displaced = rng.exponential(0.05, n) * (rng.random(n) < 0.1)
    dxy = rng.normal(0, error) + displaced * rng.choice([-1, 1], n)
    pv = origin[index]
    used = (pv < n_pv) & (rng.random(n) < 0.8) & (displaced == 0)
    columns = {
        "pt": pt,
        "eta": eta,
        "phi": phi,
        "charge": cands["charge"][index],
        "vx": 0.01 - dxy * np.sin(phi),
        "vy": 0.04 + dxy * np.cos(phi),
        "vz": vertex_z[pv] + rng.normal(0, 1.5 * error) + displaced,
        "chi2": rng.gamma(8, 2, n),
        "ndof": rng.integers(5, 40, n),
        "nValidPixelHits": rng.integers(0, 5, n),
        "nPixelLayers": rng.integers(0, 5, n),
        "nStripLayers": rng.integers(3, 14, n),
        "nLostInnerHits": rng.choice([0, 0, 0, 1, 2, 3], n),
        "hasHitInBPix1": rng.random(n) < 0.8,
        "isHighPurity": rng.random(n) < 0.9,
        "pvIdx": np.where(used, pv, -1),
        "pvWeight": np.where(used, rng.uniform(0.1, 1, n), 0),
    }
    columns["nPixelLayers"] = np.minimum(columns["nPixelLayers"], columns["nValidPixelHits"])
    columns["nValidHits"] = columns["nValidPixelHits"] + columns["nStripLayers"] + 1
    variances = {
        "covQopQop": (0.01 / (pt * np.cosh(eta))) ** 2,
        "covLamLam": 1e-7 + 1e-6 / pt**2,
        "covPhiPhi": 1e-7 + 1e-6 / pt**2,
        "covDxyDxy": error**2,
        "covDszDsz": (1.5 * error / np.cosh(eta)) ** 2,
    }
    mixed = {
        "covDxyDsz": ("covDxyDxy", "covDszDsz", 0.01),
        "covPhiDxy": ("covPhiPhi", "covDxyDxy", -0.8),
        "covLamDsz": ("covLamLam", "covDszDsz", -0.7),
    }
    for name, (a, b, rho) in mixed.items():
        columns[name] = rho * np.sqrt(variances[a] * variances[b])
    return columns | variances


def _anything(rng: np.random.Generator, table: Collection, n_cand: int, n_track: int) -> Columns:
    """Values of the right type and a sensible range for collections that few modules use."""
    n = 1 if table.kind != "jagged" else int(rng.integers(0, 4)) * bool(n_cand and n_track)
    if table.product == "GenPart":
        n = n_cand // 3
    columns: Columns = {}
    for branch in table.branches:
        if branch.dtype == "float32":
            columns[branch.name] = rng.exponential(1.0, n)
        else:
            columns[branch.name] = rng.integers(0, 2, n)
    columns |= _links(rng, table, n, (n_cand, n_track))
    if "phi" in columns:
        columns["eta"], columns["phi"] = rng.normal(0, 2, n), rng.uniform(-np.pi, np.pi, n)
        columns["pt"] = rng.exponential(5, n) + 0.1
    if table.product == "GenPart":
        kinds = rng.choice([211, -211, 22, 130, 12, -14, 16, 13, 5], n)
        columns |= {"pdgId": kinds, "status": np.where(kinds == 5, 2, rng.choice([1, 1, 1, 2], n))}
    return columns


def _links(rng: np.random.Generator, table: Collection, n: int, limits: tuple[int, int]) -> Columns:
    """Indices into the candidates, the tracks, or earlier entries of the collection itself."""
    links: Columns = {}
    for branch in table.branches:
        if branch.name.startswith("pfCandIdx"):
            links[branch.name] = rng.integers(-1, max(limits[0], 1), n)
        elif branch.name.startswith("trackIdx"):
            links[branch.name] = rng.integers(-1, max(limits[1], 1), n)
        elif branch.name == "genPartIdxMother":
            links[branch.name] = rng.integers(-1, np.maximum(np.arange(n), 0)) if n else np.zeros(0)
    return links
