"""Arrows between the parts point one way, heavy libraries stay where they belong, tests mirror."""

import ast
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path

import pytest

TESTS = Path(__file__).parent
PACKAGE = TESTS.parent / "sonicmini"
SOURCES = {
    ".".join(path.relative_to(PACKAGE).with_suffix("").parts): path
    for path in sorted(PACKAGE.rglob("*.py"))
}

# What a part of the package may import from it. Parts not named here stand above all others
# (config, job, cli ...): they may import anything, and nothing named here may import them.
KNOWS: dict[str, set[str]] = {
    "errors": set(),
    "event": {"errors"},
    "overlap": set(),
    "report": {"errors"},
    "resources": {"errors"},
    "initialise": {"errors", "resources"},
    "module": {"event"},
    "inference.client": {"event"},
    "graph": {"errors", "event", "module"},
    "workers": {"errors", "overlap", "report"},
    "schedule": {"errors", "event", "graph", "inference.client", "module", "report", "workers"},
    "processor": {"errors", "event", "graph", "module", "report", "schedule", "workers"},
    "inference": {"errors", "event", "inference", "overlap"},
    "io": {"errors", "event", "module", "io", "report", "workers"},
    "modules": {
        *("errors", "event", "module", "modules", "resources"),
        *("inference.client", "inference.repository"),
    },
    "simulation": {"errors", "event", "io", "simulation"},
    "skim": {"errors", "event", "skim"},
}
# The only places that import these libraries.
FENCED = {
    "onnxruntime": ("inference.onnx", "inference.embedded.model"),  # the latter in Triton's Python
    "pythia8mc": ("simulation",),
    "tritonclient": ("inference",),
    "typer": ("cli", "cli_models", "cli_options", "cli_server"),
    "uproot": ("io",),
}
# Tests of more than one file.
END_TO_END = (
    *("architecture", "determinism", "documentation", "faults", "model_repository", "packaging"),
    "portability",
    *(
        "inference.cms_particlenet",
        "inference.wire_faults",
        "modules.chain",
        "modules.networks.deepmet_network",
        "training.deeptau.recipe",
        "training.particlenet.recipe",
    ),
)
HEAVY = ("awkward", "correctionlib", "numba", "onnxruntime", "scipy", "uproot")


def imports(path: Path) -> set[str]:
    """Full names of what a file imports, wherever in the file."""
    names = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            names |= {f"{node.module}.{alias.name}" for alias in node.names}
    return names


def within(name: str, parts: Iterable[str]) -> bool:
    return any(f"{name}.".startswith(f"{part}.") for part in parts)


@pytest.mark.parametrize("name", SOURCES)
def test_arrows_point_one_way(name):
    part = max((known for known in KNOWS if within(name, [known])), key=len, default=None)
    if part is not None:
        allowed = [f"sonicmini.{known}" for known in KNOWS[part]]
        own = {imported for imported in imports(SOURCES[name]) if within(imported, ["sonicmini"])}
        assert {imported for imported in own if not within(imported, allowed)} == set()


@pytest.mark.parametrize("library", FENCED)
def test_heavy_libraries_stay_behind_their_fence(library):
    users = {
        name
        for name, path in SOURCES.items()
        if any(within(imported, [library]) for imported in imports(path))
    }
    assert {name for name in users if not within(name, FENCED[library])} == set()


@pytest.mark.parametrize(
    "path", sorted(path.relative_to(TESTS) for path in TESTS.rglob("test_*.py")), ids=str
)
def test_tests_mirror_the_package(path):
    parts = path.with_suffix("").parts
    name = ".".join([*parts[:-1], parts[-1].removeprefix("test_")])
    beside = TESTS.parent.joinpath(*name.split(".")).with_suffix(".py")
    assert name in SOURCES or name in END_TO_END or beside.exists()


def test_command_line_starts_light():
    code = f"import sys, sonicmini.cli; print(*sorted({set(HEAVY)} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == []
