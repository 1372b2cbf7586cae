"""Events written by hand: a few candidates around a jet."""

from typing import Any

import awkward as ak
import numpy as np

from sonicmini.io.schema import AOD

MASSES = {211: 0.13957, 11: 0.000511, 13: 0.10566, 22: 0.0, 130: 0.4976}


def particle(pdg_id, pt, eta, phi, *, in_jet=True, **track):
    """A candidate; ``track`` overrides columns of its track."""
    return {"pdgId": pdg_id, "pt": pt, "eta": eta, "phi": phi, "in_jet": in_jet, "own": track}


def make_event(particles, vertices=((0.0, 0.0, 0.0),)):
    """Products of one event with one jet around the candidates that are in it."""
    candidates: list[dict[str, Any]] = []
    tracks: list[dict[str, Any]] = []
    for p in particles:
        kind = abs(p["pdgId"])
        charge = int(np.sign(p["pdgId"])) * (1 if kind == 211 else -1) if kind < 300 else 0
        charge = 0 if kind in (22, 130) else charge
        energy = np.hypot(p["pt"] * np.cosh(p["eta"]), MASSES[kind])
        c: dict[str, Any] = {b.name: 0 for b in AOD["PFCand"].branches}
        c |= {name: p[name] for name in ("pdgId", "pt", "eta", "phi")}
        c |= {"mass": MASSES[kind], "charge": charge, "trackIdx": -1}
        c["ecalEnergy" if kind in (22, 11) else "hcalEnergy"] = energy
        if charge:
            c["trackIdx"] = len(tracks)
            t: dict[str, Any] = {b.name: 0 for b in AOD["Track"].branches}
            t |= {name: p[name] for name in ("pt", "eta", "phi")} | {"charge": charge}
            t |= {"chi2": 10.0, "ndof": 10, "nValidHits": 12, "nValidPixelHits": 4, "pvIdx": -1}
            t |= {"covDxyDxy": 1e-6, "covDszDsz": 4e-6, "covQopQop": 1e-6, "covLamLam": 1e-7}
            tracks.append(t | p["own"])
        candidates.append(c)
    inside = [i for i, p in enumerate(particles) if p["in_jet"]]
    px, py, pz = (
        sum(particles[i]["pt"] * f(particles[i]) for i in inside)
        for f in (
            lambda p: np.cos(p["phi"]),
            lambda p: np.sin(p["phi"]),
            lambda p: np.sinh(p["eta"]),
        )
    )
    pt = float(np.hypot(px, py)) if inside else 1.0
    jet = {"pt": pt, "eta": float(np.arcsinh(pz / pt)), "phi": float(np.arctan2(py, px))}
    points = [
        {b.name: 0 for b in AOD["PV"].branches}
        | {"x": x, "y": y, "z": z, "covXX": 1e-6, "covYY": 1e-6, "covZZ": 4e-6, "ndof": 50}
        for x, y, z in vertices
    ]
    links = [{"jetIdx": 0, "candIdx": i} for i in inside]
    return {
        "PFCand": table(candidates, "PFCand"),
        "Track": table(tracks, "Track"),
        "SlimmedPV": table(points, "PV"),
        "AK4CHSJet": table([jet | {"mass": 5.0}], columns=("pt", "eta", "phi", "mass")),
        "AK4CHSJetCand": table(links, columns=("jetIdx", "candIdx"), dtype="int64"),
    }


def table(rows, product=None, *, columns=(), dtype="float64"):
    """One event of a jagged product from rows."""
    types = {b.name: b.dtype for b in AOD[product].branches} if product else {}
    types |= dict.fromkeys(columns, dtype)
    record = {name: np.array([row[name] for row in rows], dtype=t) for name, t in types.items()}
    return ak.unflatten(ak.zip(record), np.array([len(rows)]))
