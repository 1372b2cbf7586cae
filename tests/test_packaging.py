"""What pyproject.toml promises."""

import ast
import importlib
import inspect
import re
import sys
import tomllib
from importlib.metadata import entry_points, packages_distributions, version
from pathlib import Path
from pkgutil import walk_packages

import pytest

import sonicmini
from sonicmini import modules
from sonicmini.module import Module

ROOT = Path(__file__).parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]


def names(requirements):
    return {re.split(r"[\[<>=]", requirement)[0].lower() for requirement in requirements}


def imported_distributions():
    """The distributions of all third-party packages that the package imports."""
    found = set()
    for path in (ROOT / "sonicmini").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Import):
                found |= {alias.name for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and node.module:
                found.add(node.module)
    packages = {name.split(".")[0] for name in found} - set(sys.stdlib_module_names)
    packages -= {"sonicmini", "triton_python_backend_utils"}  # the latter is inside of Triton
    # `google` is shared by many; the part of it used here is protobuf's.
    owners = {**packages_distributions(), "google": ["protobuf"]}
    return {owners[package][0].lower() for package in packages}


def test_dependencies_are_what_the_package_imports():
    extras = PROJECT["optional-dependencies"]
    extra = names(extras["sim"]) | names(extras["plot"])
    assert imported_distributions() == names(PROJECT["dependencies"]) | extra


def test_every_dependency_has_its_reason_in_the_readme():
    table = (ROOT / "README.md").read_text(encoding="utf-8").partition("## Dependencies")[2]
    listed = {
        name
        for row in re.findall(r"^\| ([\w, ]+)", table, re.MULTILINE)
        for name in row.split(", ")
    }
    assert names(PROJECT["dependencies"]) <= {name.strip() for name in listed}


def test_version_is_that_of_the_installation():
    assert version("sonicmini") == sonicmini.__version__


@pytest.mark.parametrize(
    "name", [info.name for info in walk_packages(modules.__path__, f"{modules.__name__}.")]
)
def test_every_module_of_the_package_has_an_entry_point(name):
    source = importlib.import_module(name)
    own = {
        item.__name__: f"{source.__name__}:{item.__name__}"
        for item in vars(source).values()
        if isinstance(item, type)
        and issubclass(item, Module)
        and not inspect.isabstract(item)
        and hasattr(item, "produces")  # the others are what several modules have in common
        and item.__module__ == source.__name__
    }
    registered = {entry.name: entry.value for entry in entry_points(group="sonicmini.modules")}
    assert {name: registered.get(name) for name in own} == own
