"""The corrections in CMS's correctionlib JSON format, version 2."""

import gzip
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final, NamedTuple

from correctionlib import schemav2

from corrections import binning, resolution
from corrections.offset import LEAST_FACTOR, Offset
from corrections.resolution import Terms
from corrections.response import MAX_DEGREE, Curve
from sonicmini.modules.jets.corrections import TAG

Node = dict[str, Any]

_AREA: Final = {"name": "JetA", "type": "real", "description": "active area of the jet"}
_ETA: Final = {"name": "JetEta", "type": "real", "description": "pseudorapidity of the jet"}
_PT: Final = {"name": "JetPt", "type": "real", "description": "pT of the jet, in GeV"}
_RHO: Final = {"name": "Rho", "type": "real", "description": "fixedGridRhoFastjetAll, in GeV"}

_CLAMPED: Final = "max([0],min([1],x))"
_OFFSET: Final = f"max({LEAST_FACTOR},1-x*max(0,[0]+[1]*z+[2]*z*z)/y)"
_RESOLUTION: Final = "sqrt(([0]+[1]*y)/(x*x)+[2]/x+[3])"
_DIGITS: Final = 8


class Derived(NamedTuple):
    """Everything that was derived for one kind of jets.

    Attributes:
        name: of the jets, CMS's.
        offsets: of each bin in abs(eta); None: pileup is not subtracted.
        curves: of each bin in abs(eta).
        pt_resolution: of each wide bin in abs(eta).
        phi_resolution: the same.
        uncertainty: relative; of each wide bin in abs(eta) the edges in pT (GeV) and the values
            between them.
    """

    name: str
    offsets: list[Offset] | None
    curves: list[Curve]
    pt_resolution: list[Terms]
    phi_resolution: list[Terms]
    uncertainty: list[tuple[list[float], list[float]]]


def write_corrections(derived: Sequence[Derived], path: Path, description: str) -> None:
    """Writes the corrections of some kinds of jets as compressed JSON.

    The same corrections give the same bytes.
    """
    content = {
        "schema_version": schemav2.VERSION,
        "description": description,
        "corrections": [one for kind in derived for one in _corrections(kind)],
        "compound_corrections": [_compound(kind) for kind in derived],
    }
    schemav2.CorrectionSet.model_validate(content)
    text = json.dumps(content, separators=(",", ":"))
    path.write_bytes(gzip.compress(text.encode(), mtime=0))


def _corrections(derived: Derived) -> list[Node]:
    name, both, three = derived.name, [_ETA, _PT], [_ETA, _PT, _RHO]
    flat = {"nodetype": "formula", "expression": "1", "parser": "TFormula", "variables": ["JetPt"]}
    level1: Any = flat
    if derived.offsets is not None:
        formulas = [
            _formula(_OFFSET, ("JetA", "JetPt", "Rho"), offset) for offset in derived.offsets
        ]
        level1 = _by_eta(binning.ETA, formulas)
    pt, phi = (
        _by_eta(resolution.ETA, [_resolution(terms) for terms in found])
        for found in (derived.pt_resolution, derived.phi_resolution)
    )
    tables = [_table(edges, values) for edges, values in derived.uncertainty]
    level2 = _by_eta(binning.ETA, [_curve(curve) for curve in derived.curves])
    return [
        _named("L1FastJet", name, "pileup", [_AREA, _ETA, _PT, _RHO], level1),
        _named("L2Relative", name, "response after pileup is subtracted", both, level2),
        _named("L3Absolute", name, "part of L2Relative: 1", both, flat),
        _named("Total", name, "relative uncertainty at the corrected pT", both, _eta(tables)),
        _named("PtResolution", name, "relative resolution of the corrected pT", three, pt),
        _named("PhiResolution", name, "resolution of the azimuth, in rad", three, phi),
    ]


def _compound(derived: Derived) -> Node:
    levels = ("L1FastJet", "L2Relative", "L3Absolute")
    return {
        "name": f"{TAG}_L1L2L3_{derived.name}",
        "description": "all levels: the pT is multiplied by each before the next is looked up",
        "inputs": [_AREA, _ETA, _PT, _RHO],
        "output": {"name": "correction", "type": "real"},
        "inputs_update": ["JetPt"],
        "input_op": "*",
        "output_op": "*",
        "stack": [f"{TAG}_{level}_{derived.name}" for level in levels],
    }


def _named(
    level: str, jets: str, description: str, inputs: Sequence[Mapping[str, str]], data: Node
) -> Node:
    return {
        "name": f"{TAG}_{level}_{jets}",
        "version": 1,
        "description": description,
        "inputs": list(inputs),
        "output": {"name": level, "type": "real"},
        "data": data,
    }


def _curve(curve: Curve) -> Node:
    """The polynomial in Horner's form, of log10(pT) within its range."""
    expression = f"[{MAX_DEGREE}]"
    for power in reversed(range(MAX_DEGREE)):
        expression = f"[{power}]+x*({expression})"
    coefficients = [*curve.coefficients, *[0.0] * (MAX_DEGREE + 1 - len(curve.coefficients))]
    return {
        "nodetype": "transform",
        "input": "JetPt",
        "rule": _formula(f"log10({_CLAMPED})", ("JetPt",), (curve.low, curve.high)),
        "content": _formula(expression, ("JetPt",), coefficients),
    }


def _resolution(terms: Terms) -> Node:
    return {
        "nodetype": "transform",
        "input": "JetPt",
        "rule": _formula(_CLAMPED, ("JetPt",), (terms.low, terms.high)),
        "content": _formula(_RESOLUTION, ("JetPt", "Rho"), terms[:4]),
    }


def _table(edges: Sequence[float], values: Sequence[float]) -> Node:
    return {
        "nodetype": "binning",
        "input": "JetPt",
        "edges": list(edges),
        "content": [_rounded(value) for value in values],
        "flow": "clamp",
    }


def _eta(content: Sequence[Node]) -> Node:
    return _by_eta(resolution.ETA, content)


def _by_eta(edges: Sequence[float], content: Sequence[Node]) -> Node:
    """The same on both sides of the detector."""
    return {
        "nodetype": "binning",
        "input": "JetEta",
        "edges": [*(-edge for edge in reversed(edges[1:])), *edges],
        "content": [*reversed(content), *content],
        "flow": "clamp",
    }


def _formula(expression: str, variables: Sequence[str], parameters: Sequence[float]) -> Node:
    return {
        "nodetype": "formula",
        "expression": expression,
        "parser": "TFormula",
        "variables": list(variables),
        "parameters": [_rounded(value) for value in parameters],
    }


def _rounded(value: float) -> float:
    return float(f"{value:.{_DIGITS}g}")
