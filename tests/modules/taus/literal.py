"""Taus of one event by the published rules, written out with lists and loops. Slow.

Rules: CMS, JINST 13 (2018) P10005, and CMSSW's configuration of it. Nothing of the package is used.
"""

import itertools
import math
from typing import Any

PION, PI0 = 0.13957, 0.1349
WINDOWS = {  # low, high as a function of pT, assumed strip mass, limits of the pi0 mass, bends
    (1, 0): (-1000.0, lambda pt: 1.0, None, None, True),
    (1, 1): (0.3, lambda pt: max(1.3, min(1.3 * math.sqrt(pt / 100), 4.2)), PI0, None, True),
    (1, 2): (0.4, lambda pt: max(1.2, min(1.2 * math.sqrt(pt / 100), 4.0)), 0.0, (0.05, 0.2), True),
    (2, 0): (0.0, lambda pt: 1.2, None, None, False),
    (2, 1): (0.0, lambda pt: max(1.2, min(1.2 * math.sqrt(pt / 100), 4.0)), None, None, False),
    (3, 0): (0.8, lambda pt: 1.5, None, None, False),
    (3, 1): (0.9, lambda pt: 1.6, None, None, False),
}
MAX_STRIPS = {(1, 1): 6, (1, 2): 5, (2, 1): 3, (3, 1): 3}
CHARGED = (11, 13, 211)


def event_of(products, i):
    """One event as lists of dictionaries; candidates know their place, momentum and track."""
    tracks = products["Track"][i].to_list()
    candidates = products["PFCand"][i].to_list()
    for place, c in enumerate(candidates):
        c["place"], c["kind"] = place, abs(c["pdgId"])
        c["track"] = tracks[c["trackIdx"]] if c["trackIdx"] >= 0 else None
        pt, eta, phi = c["pt"], c["eta"], c["phi"]
        p = pt * math.cosh(eta)
        c["p4"] = (
            pt * math.cos(phi),
            pt * math.sin(phi),
            pt * math.sinh(eta),
            math.sqrt(p * p + c["mass"] ** 2),
        )
        c["et"] = c["p4"][3] * pt / p
    jets = products["AK4CHSJet"][i].to_list()
    for jet in jets:
        jet["places"] = []
    for link in products["AK4CHSJetCand"][i].to_list():
        jets[link["jetIdx"]]["places"].append(link["candIdx"])
    return candidates, jets, products["SlimmedPV"][i].to_list()


def add(*momenta):
    return tuple(sum(parts) for parts in zip((0, 0, 0, 0), *momenta, strict=True))


def mass(p):
    square = p[3] ** 2 - p[0] ** 2 - p[1] ** 2 - p[2] ** 2
    return math.copysign(math.sqrt(abs(square)), square)


def pt_of(p):
    return math.hypot(p[0], p[1])


def eta_phi(p):
    return math.asinh(p[2] / pt_of(p)), math.atan2(p[1], p[0])


def turn(a, b):
    return math.remainder(a - b, 2 * math.pi)


def d_r(one, other):
    return math.hypot(one[0] - other[0], turn(one[1], other[1]))


def axis(c):
    return c["eta"], c["phi"]


def dxy_dz(track, vertex):
    dx, dy = track["vx"] - vertex["x"], track["vy"] - vertex["y"]
    sin, cos = math.sin(track["phi"]), math.cos(track["phi"])
    along = (dx * cos + dy * sin) * math.sinh(track["eta"])
    return dy * cos - dx * sin, track["vz"] - vertex["z"] - along


def nearest(c, vertices):
    if c is None or c["track"] is None:
        return 0
    return min(range(len(vertices)), key=lambda v: abs(dxy_dz(c["track"], vertices[v])[1]))


def track_is_good(c):
    t = c["track"]
    return t is not None and t["pt"] > 0.5 and t["chi2"] <= 100 * t["ndof"] and t["nValidHits"] >= 3


def passes(c, vertex, max_dxy, max_dz, min_neutral):
    if c["kind"] in CHARGED:
        if not track_is_good(c):
            return False
        dxy, dz = dxy_dz(c["track"], vertex)
        return abs(dxy) <= max_dxy and abs(dz) <= max_dz
    return {22: c["et"] > 1.0, 130: c["et"] > min_neutral}.get(c["kind"], False)


def window_eta(pt):
    return min(0.15, max(0.05, 0.197077 * pt**-0.658701))


def window_phi(pt):
    return min(0.3, max(0.05, 0.352476 * pt**-0.707716))


def by_pt(candidates):
    return sorted(candidates, key=lambda c: (-c["pt"], c["eta"], c["phi"]))


def make_strips(candidates, *, signed):
    left, strips = list(candidates), []
    while left:
        strip = [left.pop(0)]
        while True:
            total = add(*(c["p4"] for c in strip))
            eta, phi = eta_phi(total)
            size = window_eta(pt_of(total)), window_phi(pt_of(total))
            new = []
            for c in left:
                d_phi = turn(phi, c["phi"])
                d_phi = d_phi if signed else abs(d_phi)
                in_phi = d_phi < size[1] + window_phi(c["pt"])
                if in_phi and abs(eta - c["eta"]) < size[0] + window_eta(c["pt"]):
                    new.append(c)
            if not new:
                break
            strip += new
            left = [c for c in left if c not in new]
        energy = sum(c["p4"][3] for c in strip)
        bends = (
            sum(c["p4"][3] * window_eta(c["pt"]) for c in strip) / energy,
            sum(c["p4"][3] * window_phi(c["pt"]) for c in strip) / energy,
        )
        strips.append((strip, bends))
    return strips


def without(strips, hadrons):
    """Strips less these candidates, the empty ones left out, hardest first."""
    result = []
    for parts, bends in strips:
        kept = [c for c in parts if c not in hadrons]
        if kept:
            result.append((kept, bends))
    return sorted(result, key=lambda s: -pt_of(add(*(c["p4"] for c in s[0]))))


def judge(hadrons, strips, jet, matching_cone=0.5):
    """Decay mode, momentum and selection of a combination."""
    parts = [add(*(c["p4"] for c in strip)) for strip, _ in strips]
    total = add(*(c["p4"] for c in hadrons), *parts)
    pt, where = pt_of(total), eta_phi(total)
    cone = max(min(0.1, 3 / pt), 0.05)
    n_pi0 = 0
    for strip, _ in strips:
        inside = sum(c["pt"] for c in strip if d_r(axis(c), where) <= cone)
        n_pi0 += inside > 2.5 or inside > 0.1 * pt
    mode = 5 * (len(hadrons) - 1) + n_pi0
    p4 = total
    if mode == 0:
        p4 = (*total[:3], math.sqrt(sum(x * x for x in total[:3]) + PION**2))
    low, high, assumed, pi0_window, bends = WINDOWS[len(hadrons), len(strips)]
    checked, pions = p4, (0.0, 0.0, 0.0, 0.0)
    for part in parts:
        momentum = math.sqrt(sum(x * x for x in part[:3]))
        scale = 1 if assumed is None else math.sqrt(part[3] ** 2 - assumed**2) / momentum
        changed = (*(scale * x for x in part[:3]), part[3])
        checked = add(checked, changed, tuple(-x for x in part))
        pions = add(pions, changed)
    bend = 0.0
    if bends:
        m = max(mass(total), PION)
        for part, (_, (b_eta, b_phi)) in zip(parts, strips, strict=True):
            rest = add(total, tuple(-x for x in part))
            bend += ((part[2] * total[3] - part[3] * total[2]) / m * b_eta) ** 2
            bend += ((part[1] * rest[0] - part[0] * rest[1]) / m * b_phi) ** 2
    bend = math.sqrt(bend)
    good = mass(checked) - bend < high(pt) and mass(checked) + bend > low
    good = good and mass(add(*(c["p4"] for c in hadrons))) < high(pt)
    if pi0_window:
        good = good and pi0_window[0] <= mass(pions) <= pi0_window[1]
    where = eta_phi(checked)
    good = good and d_r(where, (jet["eta"], jet["phi"])) <= matching_cone
    good = good and all(d_r(axis(c), where) <= cone for c in hadrons)
    for part, (_, margin) in zip(parts, strips, strict=True):
        eta, phi = eta_phi(part)
        shrink = margin if bends else (0.0, 0.0)
        d_eta = max(abs(eta - where[0]) - shrink[0], 0.0)
        d_phi = max(abs(turn(phi, where[1])) - shrink[1], 0.0)
        good = good and math.hypot(d_eta, d_phi) <= cone
    good = good and sum(c["track"]["nValidPixelHits"] for c in hadrons) >= 1
    return mode, p4, good


def combinations(hadrons, strips):
    for n_hadrons, n_strips in WINDOWS:
        for chosen in itertools.combinations(hadrons[:6], n_hadrons):
            clean = without(strips, chosen)
            limit = MAX_STRIPS.get((n_hadrons, n_strips), 0)
            for some in itertools.combinations(clean[:limit], n_strips):
                yield chosen, some


def literal_tau(event, jet, *, signed=True):
    """The tau of a jet as a dictionary, None without charged hadron."""
    candidates, _, vertices = event
    inside = by_pt([candidates[place] for place in jet["places"]])
    charged = [c for c in inside if c["kind"] in CHARGED]
    vertex = vertices[nearest(charged[0] if charged else None, vertices)]
    good = [c for c in inside if passes(c, vertex, 0.1, 0.4, 30.0)]
    hadrons = [c for c in good if c["kind"] in CHARGED and c["pt"] > 0.5]
    photons = [
        c
        for c in inside
        if c["et"] > 1.0
        and (c["kind"] == 22 or (c["kind"] == 11 and c["track"] and c["track"]["pt"] > 1.0))
    ]
    strips = make_strips(photons, signed=signed)
    found = []
    for chosen, some in combinations(hadrons, strips):
        mode, p4, passed = judge(chosen, some, jet)
        charge = sum(c["charge"] for c in chosen) if len(chosen) == 3 else chosen[0]["charge"]
        soft = sum(c["track"]["pt"] <= 5.0 for c in chosen) if len(chosen) == 2 else 0
        rank = (abs(charge) - 1, not passed, soft, -len(chosen))
        found.append((rank, pt_of(p4), chosen, some, mode, p4, passed, charge))
    if not found:
        return None
    best = min(f[0] for f in found)
    found = [f for f in found if f[0] == best]
    found = [f for f in found if f[1] > max(g[1] for g in found) - 0.01]
    found = [f for f in found if len(f[3]) == max(len(g[3]) for g in found)]
    taus = []
    for _, pt, chosen, some, mode, p4, passed, charge in found:
        around = surroundings(event, jet, (chosen, some, strips, p4), vertex)
        tau = {"pt": pt, "p4": p4, "mode": mode, "passes": passed, "charge": charge}
        tau |= {"built": (len(chosen), len(some)), "hadrons": chosen, "roles": around}
        raw = sum(c["pt"] for role in (3, 4) for c in around[role])
        taus.append((raw, tau))
    tau = min(taus, key=lambda t: t[0])[1]
    return tau | isolation(event, tau)


def surroundings(event, jet, parts, vertex):
    """Candidates by role."""
    candidates, _, _ = event
    chosen, some, strips, p4 = parts
    where = eta_phi(p4)
    roles = {0: by_pt(chosen), 1: by_pt([c for strip, _ in some for c in strip]), 2: []}
    roles |= {3: [], 4: [], 5: []}
    used = [c for strip, _ in some for c in strip]
    for strip, _ in without(strips, chosen):
        if strip[0] in used:
            continue
        if d_r(eta_phi(add(*(c["p4"] for c in strip))), where) < 0.5:
            roles[4] += strip
    for c in candidates:
        if d_r(axis(c), where) >= 0.5 or c in chosen or c in used:
            continue
        in_jet = c["place"] in jet["places"]
        if not in_jet and d_r(axis(c), (jet["eta"], jet["phi"])) >= 0.8:
            continue
        if not passes(c, vertex, 0.1, 0.4, 30.0):
            continue
        if c["kind"] == 22 and not in_jet:
            roles[4].append(c)
        elif c["kind"] in (211, 130):
            roles[{211: 3, 130: 5}[c["kind"]]].append(c)
    return {role: by_pt(members) for role, members in roles.items()}


def isolation(event, tau):
    """Sums of pT around a tau."""
    candidates, _, vertices = event
    where = eta_phi(tau["p4"])
    vertex = vertices[nearest(tau["hadrons"][0], vertices)]
    roles = tau["roles"]
    sums = {}
    counted = {
        role: [c for c in roles[role] if passes(c, vertex, 0.03, 0.2, 0.0)] for role in (3, 4)
    }
    near: list[dict[str, Any]] = []
    far: list[dict[str, Any]] = []
    for c in candidates:
        if c["charge"] != 0 and c["track"] is not None:
            (near if abs(dxy_dz(c["track"], vertex)[1]) <= 0.2 else far).append(c)
    pileup = [
        c
        for c in far
        if track_is_good(c)
        and abs(dxy_dz(c["track"], vertex)[0]) <= 0.03
        and d_r(axis(c), where) < 0.8
    ]
    sums["puCorrPtSum"] = sum(c["pt"] for c in pileup)
    for name, cone, factor in (("", 0.5, 0.2), ("dR03", 0.3, 0.072)):
        inside = {role: [c for c in counted[role] if d_r(axis(c), where) < cone] for role in (3, 4)}
        charged, photons = (sum(c["pt"] for c in inside[role]) for role in (3, 4))
        sums[f"chargedIsoPtSum{name}"], sums[f"neutralIsoPtSum{name}"] = charged, photons
        sums[f"neutralHadronIsoPtSum{name}"] = sum(
            c["pt"] for c in roles[5] if d_r(axis(c), where) < cone
        )
        raw = charged + max(photons - factor * sums["puCorrPtSum"], 0.0)
        sums["rawIsodR03" if name else "byCombinedIsolationDeltaBetaCorrRaw3Hits"] = raw
        sums[f"neutralIsoPtSumWeight{name}"] = sum(
            c["pt"] * weight(c, near, far) for c in inside[4]
        )
    cone = max(min(0.1, 3 / tau["pt"]), 0.05)
    sums["photonPtSumOutsideSignalCone"] = sum(
        c["pt"] for c in roles[1] if d_r(axis(c), where) > cone
    )
    return sums


def weight(photon, near, far):
    if photon["charge"] != 0:
        return 1.0
    sums = []
    for group in (near, far):
        total = 0.0
        for c in group:
            ratio = c["pt"] ** 2 / max(d_r(axis(c), axis(photon)) ** 2, 1e-12)
            total += math.log(ratio) if ratio > 1 else 0.0
        sums.append(total)
    return sums[0] / sum(sums) if sum(sums) > 0 else 1.0


def literal_taus(products, i, *, signed=True):
    """All taus of an event, each with the place of its jet."""
    event = event_of(products, i)
    taus = []
    for place, jet in enumerate(event[1]):
        if jet["pt"] > 14 and abs(jet["eta"]) < 2.5 and event[2]:
            tau = literal_tau(event, jet, signed=signed)
            if tau is not None:
                taus.append(tau | {"jetIdx": place})
    return taus
