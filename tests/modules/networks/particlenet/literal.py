"""Features of one candidate or vertex after the other, as the published definitions read."""

import math

import numpy as np
from scipy.optimize import minimize_scalar

PION = 0.13957018
FIELD = 3.8  # T
LIGHT = 0.299792458  # GeV / (T m)


def delta_phi(a, b):
    return math.remainder(a - b, 2 * math.pi)


def delta_r(a, b):
    return math.hypot(a["eta"] - b["eta"], delta_phi(a["phi"], b["phi"]))


def energy(one):
    return math.sqrt((one["pt"] * math.cosh(one["eta"])) ** 2 + one["mass"] ** 2)


def unit(eta, phi):
    vector = np.array([math.cos(phi), math.sin(phi), math.sinh(eta)])
    return vector / np.linalg.norm(vector)


def jets_of(products, kind):
    """Each jet of each event with its event's lists, those of its candidates and vertices."""
    names = (kind.jets, kind.links, "PackedPFCand", "SlimmedPV", "SV", "SubJet")
    for jets, links, cands, pvs, svs, subjets in zip(
        *(products[name].to_list() for name in names), strict=True
    ):
        for i, jet in enumerate(jets):
            able = jet["pt"] >= kind.min_pt and pvs
            own = [cands[pair["pfCandIdx"]] for pair in links if pair["jetIdx"] == i and able]
            own = [
                c for c in own if np.float32(c["puppiWeight"]) >= np.float32(kind.min_puppi_weight)
            ]
            near = [sv for sv in svs if able and delta_r(sv, jet) < kind.radius]
            yield {
                "jet": jet,
                "candidates": sorted(own, key=lambda c: -c["pt"]),
                "vertices": sorted(near, key=lambda sv: -sv["dxySig"]),
                "pvs": pvs,
                "svs": svs,
                "subjets": sorted(
                    (s for s in subjets if s["fatJetIdx"] == i), key=lambda s: -s["pt"]
                ),
            }


def vertex(sv, jet):
    sign = 1 if jet["eta"] > 0 else -1
    return {
        "sv_mask": 1,
        "sv_pt": sv["pt"],
        "sv_pt_log": math.log(sv["pt"]),
        "sv_ptrel": sv["pt"] / jet["pt"],
        "sv_ptrel_log": math.log(sv["pt"] / jet["pt"]),
        "sv_erel": energy(sv) / energy(jet),
        "sv_erel_log": math.log(energy(sv) / energy(jet)),
        "sv_mass": sv["mass"],
        "sv_etarel": sign * (sv["eta"] - jet["eta"]),
        "sv_phirel": delta_phi(sv["phi"], jet["phi"]),
        "sv_deltaR": delta_r(sv, jet),
        "sv_abseta": abs(sv["eta"]),
        "sv_ntracks": sv["ntracks"],
        "sv_normchi2": max(sv["chi2"], 0),
        "sv_dxy": sv["dxy"],
        "sv_dxysig": sv["dxySig"],
        "sv_d3d": sv["dlen"],
        "sv_d3dsig": sv["dlenSig"],
        "sv_costhetasvpv": math.cos(sv["pAngle"]),
    }


def candidate(cand, found, kind):
    """All features of a candidate; ``found`` is what ``jets_of`` says of its jet."""
    jet, identity = found["jet"], abs(cand["pdgId"])
    sign = 1 if jet["eta"] > 0 else -1
    hcal = cand["rawHcalFraction"] if cand["isIsolatedChargedHadron"] else 0
    to_vertices = [delta_r(cand, sv) for sv in found["svs"]]
    to_subjets = [delta_r(cand, s) for s in found["subjets"]] if kind.subjets else []
    return {
        "pfcand_mask": 1,
        "pfcand_pt_log_nopuppi": math.log(cand["pt"]),
        "pfcand_e_log_nopuppi": math.log(energy(cand)),
        "pfcand_pt_log": math.log(cand["pt"]),
        "pfcand_ptrel": cand["pt"] / jet["pt"],
        "pfcand_ptrel_log": math.log(cand["pt"] / jet["pt"]),
        "pfcand_erel": energy(cand) / energy(jet),
        "pfcand_erel_log": math.log(energy(cand) / energy(jet)),
        "pfcand_etarel": sign * (cand["eta"] - jet["eta"]),
        "pfcand_phirel": delta_phi(cand["phi"], jet["phi"]),
        "pfcand_deltaR": delta_r(cand, jet),
        "pfcand_abseta": abs(cand["eta"]),
        "pfcand_puppiw": cand["puppiWeight"],
        "pfcand_hcalFrac": cand["hcalFraction"] if identity in (1, 130) else hcal,
        "pfcand_charge": cand["charge"],
        "pfcand_isEl": identity == 11,
        "pfcand_isMu": identity == 13,
        "pfcand_isGamma": identity == 22,
        "pfcand_isChargedHad": identity == 211,
        "pfcand_isNeutralHad": identity == 130,
        "pfcand_VTX_ass": cand["pvAssocQuality"],
        "pfcand_lostInnerHits": cand["lostInnerHits"],
        "pfcand_dz": cand["dz"],
        "pfcand_dxy": cand["dxy"],
        "pfcand_drminsv": min(to_vertices, default=-1),
        "pfcand_drsubjet1": to_subjets[0] if to_subjets else -1,
        "pfcand_drsubjet2": to_subjets[1] if len(to_subjets) > 1 else -1,
        **(with_track(cand, found) if cand["hasTrackDetails"] else WITHOUT_TRACK),
    }


COVARIANCE = {
    "pfcand_dptdpt": "covQopQop",
    "pfcand_detadeta": "covLamLam",
    "pfcand_dphidphi": "covPhiPhi",
    "pfcand_dxydxy": "covDxyDxy",
    "pfcand_dzdz": "covDszDsz",
    "pfcand_dxydz": "covDxyDsz",
    "pfcand_dphidxy": "covPhiDxy",
    "pfcand_dlambdadz": "covLamDsz",
}
TRACK = (
    *("EtaRel", "PtRatio", "PParRatio", "Sip2dVal", "Sip2dSig", "Sip3dVal", "Sip3dSig"),
    "JetDistVal",
)
WITHOUT_TRACK = {
    "pfcand_normchi2": 999,
    "pfcand_quality": 0,
    "pfcand_dzsig": 0,
    "pfcand_dxysig": 0,
    **dict.fromkeys(COVARIANCE, 0),
    **{f"pfcand_btag{name}": 0 for name in TRACK},
}


def with_track(cand, found):
    jet, pvs = found["jet"], found["pvs"]
    track = Track.of(cand, pvs[cand["pvIdx"]])
    axis, pv = unit(jet["eta"], jet["phi"]), Vertex(pvs[0])
    momentum = track.pt * math.cosh(track.eta) * unit(track.eta, track.phi)
    size, along = np.linalg.norm(momentum), momentum @ axis
    mass_energy = math.sqrt(size**2 + PION**2)
    values = {
        "EtaRel": 0.5 * math.log((mass_energy + along) / (mass_energy - along)),
        "PtRatio": np.linalg.norm(np.cross(momentum, axis)) / size,
        "PParRatio": along / size,
        "JetDistVal": -line_distance(pv.point, axis, track.reference, momentum / size),
    }
    for name, used in (("2d", [0, 1]), ("3d", [0, 1, 2])):
        value, error = track.impact(pv, used)
        gap = np.zeros(3)
        gap[used] = (track.closest(pv, used) - pv.point)[used]
        sign = 1 if gap @ axis >= 0 else -1
        values |= {f"Sip{name}Val": sign * value, f"Sip{name}Sig": sign * value / error}
    return {
        "pfcand_normchi2": cand["normChi2"],
        "pfcand_quality": 1 + 4 * cand["highPurity"],
        "pfcand_dzsig": cand["dz"] / cand["dzErr"],
        "pfcand_dxysig": cand["dxy"] / cand["dxyErr"],
        **{feature: cand[column] for feature, column in COVARIANCE.items()},
        **{f"pfcand_btag{name}": value for name, value in values.items()},
    }


def line_distance(point, direction, other, along):
    """Least distance of two lines, as a least-squares problem."""
    matrix = np.stack([direction, -along], axis=1)
    steps = np.linalg.lstsq(matrix, other - point, rcond=None)[0]
    return np.linalg.norm(point + steps[0] * direction - other - steps[1] * along)


class Vertex:
    def __init__(self, pv):
        self.point = np.array([pv["x"], pv["y"], pv["z"]])
        xx, yy, zz, xy, xz, yz = (pv[f"cov{axes}"] for axes in ("XX", "YY", "ZZ", "XY", "XZ", "YZ"))
        self.covariance = np.array([[xx, xy, xz], [xy, yy, yz], [xz, yz, zz]])


class Track:
    """A helix by its reference point, momentum and charge, and its 5x5 covariance."""

    def __init__(self, parameters, reference, charge, covariance=None):
        qop, lam, self.phi = parameters
        self.pt = charge / qop * math.cos(lam)
        self.eta = math.asinh(math.tan(lam))
        self.lam, self.charge, self.reference, self.covariance = lam, charge, reference, covariance

    @classmethod
    def of(cls, cand, pv):
        pt, eta, phi = (cand[n] + cand[f"dTrk{n.title()}"] for n in ("pt", "eta", "phi"))
        lam = math.atan(math.sinh(eta))
        reference = np.array(
            [
                pv["x"] - cand["dxy"] * math.sin(phi),
                pv["y"] + cand["dxy"] * math.cos(phi),
                pv["z"] + cand["dzAssociatedPV"],
            ]
        )
        names = ("Qop", "Lam", "Phi", "Dxy", "Dsz")
        covariance = np.array([[cand.get(f"cov{a}{b}", 0) for b in names] for a in names])
        covariance = np.triu(covariance) + np.triu(covariance, 1).T
        qop = cand["charge"] / (pt * math.cosh(eta))
        return cls((qop, lam, phi), reference, cand["charge"], covariance)

    def at(self, path):
        """The point after a transverse path (cm): around the centre of the circle."""
        radius = 100 * self.pt / (LIGHT * FIELD)
        # A positive charge turns clockwise in a field along z.
        centre = self.reference[:2] + self.charge * radius * np.array(
            [math.sin(self.phi), -math.cos(self.phi)]
        )
        angle = -self.charge * path / radius
        out = self.reference[:2] - centre
        turned = [
            out[0] * math.cos(angle) - out[1] * math.sin(angle),
            out[0] * math.sin(angle) + out[1] * math.cos(angle),
        ]
        return np.array([*(centre + turned), self.reference[2] + path * math.tan(self.lam)])

    def closest(self, pv, used):
        """The point of closest approach in the given coordinates."""
        guess = (pv.point - self.reference)[:2] @ [math.cos(self.phi), math.sin(self.phi)]
        if 2 in used:
            direction = np.array([math.cos(self.phi), math.sin(self.phi), math.tan(self.lam)])
            guess = (pv.point - self.reference) @ direction / (direction @ direction)

        def square(path):
            return np.sum((self.at(path) - pv.point)[used] ** 2)

        bounds = (guess - 1 - abs(guess), guess + 1 + abs(guess))
        path = minimize_scalar(square, bounds=bounds, method="bounded", options={"xatol": 1e-9}).x
        return self.at(path)

    def impact(self, pv, used):
        """Distance from the vertex and its error by differences, parameter by parameter."""
        gap = (self.closest(pv, used) - pv.point)[used]
        value = np.linalg.norm(gap)
        direction = gap / value
        steps = (1e-5 * abs(self.qop), 1e-5, 1e-5, 1e-5, 1e-5)
        slope = np.array(
            [
                (self.moved(k, step).distance(pv, used) - self.moved(k, -step).distance(pv, used))
                / (2 * step)
                for k, step in enumerate(steps)
            ]
        )
        variance = slope @ self.covariance @ slope
        variance += direction @ pv.covariance[np.ix_(used, used)] @ direction
        return value, math.sqrt(variance)

    @property
    def qop(self):
        return self.charge / (self.pt * math.cosh(self.eta))

    def distance(self, pv, used):
        return np.linalg.norm((self.closest(pv, used) - pv.point)[used])

    def moved(self, k, step):
        """With one of q/p, lambda, phi, dxy, dsz changed."""
        parameters = np.array([self.qop, self.lam, self.phi])
        across = np.array([-math.sin(self.phi), math.cos(self.phi), 0])
        along = unit(self.eta, self.phi)
        shift = {3: across, 4: np.cross(along, across)}
        if k in shift:
            return Track(parameters, self.reference + step * shift[k], self.charge)
        parameters[k] += step
        return Track(parameters, self.reference, self.charge)
