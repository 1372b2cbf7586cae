"""DeepTau's inputs as CMSSW makes them: tau by tau, object by object, value by value.

A value of None is one that is not set: it is 0 after scaling.
"""

import json
import math
from typing import Any

import numpy as np

from sonicmini.resources import bundled

SCALING = json.loads((bundled("models") / "deeptau_2018v2p5" / "scaling.json").read_text())
TYPES = {11: "PfCand_electron", 13: "PfCand_muon", 22: "PfCand_gamma"}
TYPES |= {130: "PfCand_nHad", 211: "PfCand_chHad"}


def scaled(block, grid, features):
    content = SCALING["blocks"][block]
    numbers = content.get("all") or content[grid]
    row = []
    for index, name in enumerate(content["names"]):
        value = features.get(name)
        if value is None or not math.isfinite(value):
            row.append(0.0)
            continue
        y = (float(value) - numbers["mean"][index]) / numbers["std"][index]
        limit = numbers["lim"][index]
        row.append(y if limit is None else max(-limit, min(limit, y)))
    return row


def ratio(a, b):
    return a / b if b != 0 else math.nan


def delta_phi(a, b):
    difference = a - b
    while difference > math.pi:
        difference -= 2 * math.pi
    while difference < -math.pi:
        difference += 2 * math.pi
    return difference


def normal(value):
    return math.isfinite(value) and abs(value) >= 1.17549435e-38


def in_crack(tau):
    return float(1.46 < abs(tau["eta"]) < 1.558)


def leading(event, index):
    """The tau's hardest charged candidate: the first of the pairs that is one."""
    for pair in event["TauPFCand"]:
        if pair["tauIdx"] == index and pair["role"] == 0:
            return pair["pfCandIdx"]
    return None


def global_features(event, tau):
    return {
        "rho": event["Rho"]["fixedGridRhoAll"],
        "tau_pt": tau["pt"],
        "tau_eta": tau["eta"],
        "tau_inside_ecal_crack": in_crack(tau),
    }


def tau_features(event, index):
    tau = event["SlimmedTau"][index]
    x = global_features(event, tau)
    momentum = tau["pt"] * math.cosh(tau["eta"])
    x["tau_mass"] = tau["mass"]
    x["tau_E_over_pt"] = math.sqrt(momentum**2 + tau["mass"] ** 2) / tau["pt"]
    x["tau_charge"] = tau["charge"]
    x["tau_n_charged_prongs"] = tau["decayMode"] // 5 + 1
    x["tau_n_neutral_prongs"] = tau["decayMode"] % 5
    x["chargedIsoPtSum"] = tau["chargedIso"]
    x["chargedIsoPtSumdR03_over_dR05"] = ratio(tau["chargedIsodR03"], tau["chargedIso"])
    x["footprintCorrection"] = tau["footprintCorrection"]
    neutral = x["neutralIsoPtSum"] = tau["neutralIso"]
    x["neutralIsoPtSumWeight_over_neutralIsoPtSum"] = ratio(tau["neutralIsoWeight"], neutral)
    x["neutralIsoPtSumWeightdR03_over_neutralIsoPtSum"] = ratio(
        tau["neutralIsoWeightdR03"], neutral
    )
    x["neutralIsoPtSumdR03_over_dR05"] = ratio(tau["neutralIsodR03"], neutral)
    x["photonPtSumOutsideSignalCone"] = tau["photonsOutsideSignalCone"]
    x["puCorrPtSum"] = tau["puCorr"]
    for name, column in (("dxy", "ipDxy"), ("ip3d", "ip3d")):
        value, deviation = tau[column], tau[f"{column}Err"]
        if normal(value) and value > -10 and normal(deviation) and deviation > 0:
            x[f"tau_{name}_valid"] = 1
            x[f"tau_{name}"] = value
            x[f"tau_{name}_sig"] = abs(value) / deviation
    lead = leading(event, index)
    if lead is not None:
        candidate = event["PackedPFCand"][lead]
        details = candidate["hasTrackDetails"]
        dz, error = candidate["dz"], candidate["dzErr"] if details else -999.0
        x["tau_dz"] = dz
        x["tau_dz_sig_valid"] = float(details and normal(dz) and normal(error) and error > 0)
        x["tau_dz_sig"] = ratio(abs(dz), error)
    for axis in "XYZ":
        x[f"tau_flightLength_{axis.lower()}"] = tau[f"flightLength{axis}"]
    x["tau_flightLength_sig"] = tau["flightLengthSig"]
    x["tau_pt_weighted_deta_strip"] = tau["ptWeightedDetaStrip"]
    x["tau_pt_weighted_dphi_strip"] = tau["ptWeightedDphiStrip"]
    x["tau_pt_weighted_dr_signal"] = tau["ptWeightedDrSignal"]
    x["tau_pt_weighted_dr_iso"] = tau["ptWeightedDrIso"]
    x["tau_leadingTrackNormChi2"] = tau["leadTkNormChi2"]
    valid = normal(tau["eRatio"]) and tau["eRatio"] > 0
    x["tau_e_ratio_valid"] = float(valid)
    if valid:
        x["tau_e_ratio"] = tau["eRatio"]
    x["tau_gj_angle_diff_valid"] = float(tau["gjAngleDiff"] >= 0)
    if tau["gjAngleDiff"] >= 0:
        x["tau_gj_angle_diff"] = tau["gjAngleDiff"]
    x["tau_n_photons"] = tau["nPhotons"]
    x["tau_emFraction"] = tau["emFraction"]
    x["leadChargedCand_etaAtEcalEntrance_minus_tau_eta"] = tau["leadTkEtaAtEcalMinusEta"]
    return x


def common(tau, item):
    return {
        "valid": 1,
        "rel_pt": item["pt"] / tau["pt"],
        "deta": item["eta"] - tau["eta"],
        "dphi": delta_phi(item["phi"], tau["phi"]),
    }


def vertex(event, candidate):
    """Position of a packed candidate: closest approach to its own vertex."""
    own = event["SlimmedPV"][candidate["pvIdx"]] if candidate["pvIdx"] >= 0 else None
    x, y, z = (own["x"], own["y"], own["z"]) if own else (0.0, 0.0, 0.0)
    z0 = event["SlimmedPV"][0]["z"] if own else 0.0
    phi = candidate["phi"] + candidate["dTrkPhi"]
    dz_own = candidate["dz"] - (z - z0)
    return (
        x - candidate["dxy"] * math.sin(phi),
        y + candidate["dxy"] * math.cos(phi),
        z + dz_own,
    )


def candidate_features(event, index, place):
    tau, cand = event["SlimmedTau"][index], event["PackedPFCand"][place]
    x = common(tau, cand)
    x["leadChargedHadrCand"] = float(leading(event, index) == place)
    x["pvAssociationQuality"] = cand["pvAssocQuality"]
    x["numberOfPixelHits"] = cand["nPixelHits"]
    x["rawCaloFraction"] = cand["rawCaloFraction"]
    for name in ("fromPV", "puppiWeight", "puppiWeightNoLep", "charge", "lostInnerHits"):
        x[name] = cand[name]
    x["hcalFraction"] = cand["hcalFraction"]
    pv = event["SlimmedPV"][0] if cand["pvIdx"] >= 0 else {"x": 0, "y": 0, "z": 0}
    for axis, position in zip("xyz", vertex(event, cand), strict=True):
        x[f"vertex_d{axis}"] = position - pv[axis]
        x[f"vertex_d{axis}_tauFL"] = position - pv[axis] - tau[f"flightLength{axis.upper()}"]
    if cand["hasTrackDetails"]:
        x["hasTrackDetails"] = 1
        for name in ("dxy", "dz"):
            x[name] = cand[name]
            x[f"{name}_sig"] = ratio(abs(cand[name]), cand[f"{name}Err"])
        if cand["nHits"] - 5 > 0:
            x["track_chi2_ndof"] = cand["normChi2"]
            x["track_ndof"] = cand["nHits"] - 5
    return x


def electron_features(event, index, place):
    tau, electron = event["SlimmedTau"][index], event["SlimmedElectron"][place]
    x = common(tau, electron)
    pt, momentum = electron["pt"], electron["gsfPt"] * math.cosh(electron["gsfEta"])
    x["rel_trackMomentumAtVtx"] = momentum / pt
    if electron["sieie"] > 0:
        x["rel_trackMomentumOut"] = (momentum - electron["fbrem"] * momentum) / pt
    x["rel_ecalEnergy"] = electron["scEnergy"] / pt
    x["eSuperClusterOverP"] = ratio(electron["scEnergy"], momentum)
    x["deltaEtaSuperClusterTrackAtVtx"] = electron["deltaEtaInSC"]
    x["deltaPhiSuperClusterTrackAtVtx"] = electron["deltaPhiInSC"]
    x["mvaInput_hadEnergy"] = electron["hoe"] * electron["scEnergy"]
    x["gsfTrack_normalizedChi2"] = electron["gsfNormChi2"]
    x["rel_gsfTrack_pt"] = electron["gsfPt"] / pt
    if electron["dxyErr"] >= 0:
        x["has_closestCtfTrack"] = 1
    if electron["pfCandIdx"] >= 0:
        candidate = event["PackedPFCand"][electron["pfCandIdx"]]
        x["closestCtfTrack_normalizedChi2"] = candidate["normChi2"]
        x["closestCtfTrack_numberOfValidHits"] = candidate["nHits"]
    return x


def muon_features(event, index, place):
    tau, muon = event["SlimmedTau"][index], event["SlimmedMuon"][place]
    x = common(tau, muon)
    x["dxy"] = muon["dxy"]
    x["dxy_sig"] = ratio(abs(muon["dxy"]), muon["dxyErr"])
    found = muon["pfCandIdx"] >= 0
    candidate = event["PackedPFCand"][muon["pfCandIdx"]] if found else None
    if muon["isGlobal"]:
        x["normalizedChi2_valid"] = 1
        x["normalizedChi2"] = muon["normChi2"]
        if candidate:
            x["numberOfValidHits"] = candidate["nHits"]
    x["segmentCompatibility"], x["caloCompatibility"] = muon["segmentComp"], muon["caloComp"]
    if candidate:
        momentum = candidate["pt"] * math.cosh(candidate["eta"])
        energy = math.sqrt(momentum**2 + candidate["mass"] ** 2)
        calorimeters = candidate["caloFraction"] * energy
        x["pfEcalEnergy_valid"] = 1
        x["rel_pfEcalEnergy"] = (calorimeters - calorimeters * candidate["hcalFraction"]) / muon[
            "pt"
        ]
    for system in ("DT", "CSC", "RPC"):
        for station in range(1, 5):
            x[f"n_matches_{system}_{station}"] = muon[f"nMatches{system}{station}"]
            x[f"n_hits_{system}_{station}"] = muon[f"nHits{system}{station}"]
    return x


def objects(event):
    """Block, product and place of everything that can be in a cell, in CMSSW's order."""
    for place, candidate in enumerate(event["PackedPFCand"]):
        if block := TYPES.get(abs(candidate["pdgId"])):
            yield block, "PackedPFCand", place, candidate_features
    for place in range(len(event["SlimmedElectron"])):
        yield "Electron", "SlimmedElectron", place, electron_features
    for place in range(len(event["SlimmedMuon"])):
        yield "Muon", "SlimmedMuon", place, muon_features


def cell_index(x, size, half):
    if abs(x) > size * (0.5 + half):
        return None
    return half + int(math.copysign(math.floor(abs(x) / size + 0.5), x))


def cells(event, index, grid):
    """By cell: for each block the hardest object, as product, place and what describes it."""
    tau = event["SlimmedTau"][index]
    size, half = SCALING["grids"][grid]["cell_size"], SCALING["grids"][grid]["cells"] // 2
    radius = 0.5 if grid == "outer" else max(3 / max(tau["pt"], 30), 0.05)
    found: dict[Any, Any] = {}
    for block, product, place, describe in objects(event):
        item = event[product][place]
        deta, dphi = item["eta"] - tau["eta"], delta_phi(item["phi"], tau["phi"])
        if deta**2 + dphi**2 >= radius**2:
            continue
        row, column = cell_index(deta, size, half), cell_index(dphi, size, half)
        if row is None or column is None:
            continue
        cell = found.setdefault((row, column), {})
        if block not in cell or item["pt"] > cell[block][0]:
            cell[block] = (item["pt"], place, describe)
    return found


def inputs_of(event, index):
    """The dense inputs of one tau, by name."""
    tau = event["SlimmedTau"][index]
    tensors = {"input_tau": np.array(scaled("TauFlat", "all", tau_features(event, index)))}
    for grid, shape in SCALING["grids"].items():
        found = cells(event, index, grid)
        for name, blocks in SCALING["inputs"].items():
            if name == "tau":
                continue
            width = sum(len(SCALING["blocks"][block]["names"]) for block in blocks)
            dense = np.zeros((shape["cells"], shape["cells"], width))
            for cell, content in found.items():
                row = []
                for block in blocks:
                    if block == "GridGlobal":
                        features = global_features(event, tau)
                    elif block in content:
                        _, place, describe = content[block]
                        features = describe(event, index, place)
                    else:
                        row += [0.0] * len(SCALING["blocks"][block]["names"])
                        continue
                    row += scaled(block, grid, features)
                dense[cell] = row
            tensors[f"input_{grid}_{name}"] = dense
    return tensors
