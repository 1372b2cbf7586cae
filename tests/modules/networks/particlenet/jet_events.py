"""Small random events with jets, packed candidates and vertices, as the features see them."""

import math

import awkward as ak
import numpy as np

KINDS = [211, -211, 211, -211, 11, -13, 22, 22, 130, 1, 2]
DOUBLE = ("SV", "SubJet")
INTEGERS = {
    "pdgId": np.int16,
    "charge": np.int16,
    "pvIdx": np.int16,
    "pvAssocQuality": np.uint8,
    "normChi2": np.uint8,
    "lostInnerHits": np.int16,
    "ntracks": np.uint8,
    "jetIdx": np.int16,
    "pfCandIdx": np.int16,
    "fatJetIdx": np.int16,
    "hasTrackDetails": np.bool_,
    "highPurity": np.bool_,
    "isIsolatedChargedHadron": np.bool_,
}
AXES = ("covXX", "covYY", "covZZ", "covXY", "covXZ", "covYZ")


def events(*sizes, seed=1):
    """Products of events with so many candidates, jets, secondary and primary vertices each."""
    rng = np.random.default_rng(seed)
    made = [event(rng, *size) for size in sizes]
    names = made[0] if made else event(rng, 1, 1, 1, 1)
    return {name: jagged(name, [one[name] for one in made], names[name]) for name in names}


def jagged(name, made, like):
    columns: dict[str, np.ndarray] = {}
    for field in like:
        dtype = INTEGERS.get(field, np.float64 if name in DOUBLE else np.float32)
        columns[field] = np.concatenate([np.zeros(0), *[one[field] for one in made]]).astype(dtype)
    counts = np.array([len(next(iter(one.values()))) for one in made], np.int64)
    return ak.unflatten(ak.zip(columns), counts)


def event(rng, n, n_jets, n_sv, n_pv):
    axes = {"eta": rng.uniform(-2.4, 2.4, n_jets), "phi": rng.uniform(-math.pi, math.pi, n_jets)}
    owner = rng.integers(0, n_jets, n) if n_jets else np.full(n, -1)
    made = {"SlimmedPV": primary(rng, n_pv), "SV": secondary(rng, n_sv, axes)}
    made["PackedPFCand"] = candidates(rng, n, n_pv, axes, owner)
    pairs = np.argsort(owner, kind="stable")
    pairs = pairs[owner[pairs] >= 0]
    jets = {
        **axes,
        "pt": rng.choice([12.0, 15.0, 40.0, 169.0, 170.0, 400.0], n_jets),
        "mass": rng.uniform(1, 80, n_jets),
    }
    subjets = rng.permutation(np.repeat(np.arange(n_jets), rng.integers(0, 3, n_jets)))
    made["SubJet"] = {
        "pt": rng.exponential(50, len(subjets)),
        "eta": rng.uniform(-2.4, 2.4, len(subjets)),
        "phi": rng.uniform(-math.pi, math.pi, len(subjets)),
        "fatJetIdx": subjets,
    }
    for name in ("JetCHS", "FatJet"):
        made[name] = jets
        made[f"{name}PFCand"] = {"jetIdx": owner[pairs], "pfCandIdx": pairs}
    return made


def primary(rng, n):
    error = rng.uniform(5e-4, 5e-3, n)
    return {
        "x": rng.normal(0.1, 2e-3, n),
        "y": rng.normal(-0.04, 2e-3, n),
        "z": rng.normal(0, 4, n),
        "covXX": error**2,
        "covYY": error**2,
        "covZZ": 4 * error**2,
        "covXY": 0.3 * error**2,
        "covXZ": -0.4 * error**2,
        "covYZ": 0.2 * error**2,
    }


def secondary(rng, n, axes):
    n_jets = len(axes["eta"])
    near = rng.integers(0, n_jets, n) if n_jets else np.zeros(n, int)
    centre = {name: values[near] if n_jets else np.zeros(n) for name, values in axes.items()}
    return {
        "pt": rng.exponential(20, n) + 1,
        "eta": centre["eta"] + rng.normal(0, 0.3, n),
        "phi": wrap(centre["phi"] + rng.normal(0, 0.3, n)),
        "mass": rng.uniform(0.3, 5, n),
        "ntracks": rng.integers(2, 9, n),
        "chi2": rng.choice([-1.0, 0.4, 2.3], n),
        "dxy": rng.exponential(0.3, n),
        "dxySig": rng.exponential(8, n),
        "dlen": rng.exponential(0.5, n),
        "dlenSig": rng.exponential(8, n),
        "pAngle": rng.uniform(0, 0.3, n),
    }


def candidates(rng, n, n_pv, axes, owner):
    known = owner >= 0
    kind = rng.choice(KINDS, n)
    charged = np.isin(np.abs(kind), (11, 13, 211))
    details = charged & (rng.random(n) < 0.8)
    pt = rng.exponential(4, n) + 0.6
    centre = {name: np.where(known, np.append(v, 0)[owner], 0) for name, v in axes.items()}
    associated = np.where(charged & (n_pv > 0), rng.integers(0, max(n_pv, 1), n), 0 if n_pv else -1)
    shift = rng.normal(0, 0.3, n)
    columns = {
        "pt": pt,
        "eta": centre["eta"] + rng.normal(0, 0.15, n),
        "phi": wrap(centre["phi"] + rng.normal(0, 0.15, n)),
        "mass": np.where(kind == 22, 0, 0.1396),
        "pdgId": kind,
        "charge": np.where(charged, np.sign(kind), 0),
        "pvIdx": associated,
        "pvAssocQuality": np.where(charged, rng.choice([0, 1, 4, 5, 6, 7], n), 7),
        "puppiWeight": rng.choice([0, 0.0099, 0.01, 0.4, 1], n),
        "hcalFraction": rng.random(n),
        "rawHcalFraction": rng.random(n),
        "isIsolatedChargedHadron": (np.abs(kind) == 211) & (rng.random(n) < 0.5),
        "lostInnerHits": np.where(charged, rng.integers(-1, 3, n), -1),
        "highPurity": details & (rng.random(n) < 0.7),
        "hasTrackDetails": details,
        "normChi2": np.where(details, rng.integers(0, 9, n), 0),
        "dxy": np.where(charged, rng.normal(0, 0.05, n), 0),
        "dzAssociatedPV": np.where(charged, rng.normal(0, 0.1, n), 0),
        "dz": np.where(charged, shift, 0),
        "dTrkPt": np.where(details, rng.normal(0, 0.05, n), 0),
        "dTrkEta": np.where(details, rng.normal(0, 0.01, n), 0),
        "dTrkPhi": np.where(details, rng.normal(0, 0.01, n), 0),
    }
    errors = {
        "Qop": 0.3 / pt,
        "Lam": 2e-3 / pt,
        "Phi": 2e-3 / pt,
        "Dxy": 5e-3 / pt,
        "Dsz": 8e-3 / pt,
    }
    for name, error in errors.items():
        columns[f"cov{name}{name}"] = np.where(details, error**2, 0)
    for a, b, correlation in (("Dxy", "Dsz", 0.2), ("Phi", "Dxy", -0.7), ("Lam", "Dsz", -0.6)):
        columns[f"cov{a}{b}"] = np.where(details, correlation * errors[a] * errors[b], 0)
    columns["dxyErr"] = np.where(details, errors["Dxy"], -1)
    columns["dzErr"] = np.where(details, errors["Dsz"], -1)
    return columns


def wrap(phi):
    return (phi + math.pi) % (2 * math.pi) - math.pi


SIZES = ((40, 4, 3, 2), (0, 0, 0, 1), (25, 3, 2, 0), (0, 2, 1, 3), (60, 5, 6, 4), (7, 1, 0, 1))
"""With empty events, jets without candidates, an event without primary and one without secondary
vertex."""
