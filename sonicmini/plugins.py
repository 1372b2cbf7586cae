"""From the name of a module type to its class, and from parameters to an instance."""

import importlib
from collections.abc import Mapping
from dataclasses import MISSING, Field, fields, is_dataclass
from importlib.metadata import entry_points
from typing import Any, get_type_hints

from pydantic import ConfigDict, TypeAdapter, ValidationError

from sonicmini.errors import ConfigError, nearest
from sonicmini.module import Module

GROUP = "sonicmini.modules"
"""Entry points of this group make module classes available by name."""


def available() -> list[str]:
    """Names of all module types that installed packages offer."""
    return sorted(entry_points(group=GROUP).names)


def resolve(name: str) -> type[Module]:
    """Finds a module class by entry point name or as ``package.module:Class``.

    Raises:
        ConfigError: nothing of that name, or not a module; suggests the nearest name.
    """
    if ":" in name:
        found = _import(name)
    else:
        matches = tuple(entry_points(group=GROUP, name=name))
        if not matches:
            raise ConfigError(
                f"no module type {name}{nearest(name, available())} "
                "(sonicmini modules lists them; package.module:Class names any other)"
            )
        found = _import(matches[0].value)
    declared = is_dataclass(found)
    if not (declared and isinstance(found, type) and issubclass(found, Module)):
        raise ConfigError(f"{name} is not a module: it must be a dataclass derived from Producer")
    return found


def _import(path: str) -> object:
    package, _, attribute = path.partition(":")
    try:
        return getattr(importlib.import_module(package), attribute)
    except ImportError as error:
        raise ConfigError(f"module type {path}: cannot import {package}: {error}") from error
    except AttributeError as error:
        raise ConfigError(f"module type {path}: {package} has no {attribute}") from error


def parameters(cls: type[Module]) -> dict[str, tuple[Any, Field[Any]]]:
    """The parameters of a module class: resolved type and dataclass field, by name."""
    hints = get_type_hints(cls)
    return {item.name: (hints[item.name], item) for item in fields(cls) if item.init}  # type: ignore[arg-type]  # resolve() only gives dataclasses


def instantiate(cls: type[Module], values: Mapping[str, Any]) -> Module:
    """Builds a module from configured values.

    Raises:
        ConfigError: lists every unknown, missing and mistyped parameter.
    """
    known = parameters(cls)
    faults = [
        f"{name}: no such parameter of {cls.__name__}{nearest(name, known)}"
        for name in values
        if name not in known
    ]
    arguments = {}
    for name, (hint, item) in known.items():
        if name in values:
            try:
                arguments[name] = _adapter(hint).validate_python(values[name])
            except ValidationError as error:
                faults += [f"{name}: {fault['msg']}" for fault in error.errors()]
        elif item.default is MISSING and item.default_factory is MISSING:
            faults.append(f"{name}: required by {cls.__name__} and not given")
    if faults:
        raise ConfigError("\n".join(faults))
    try:
        return cls(**arguments)
    except ValueError as error:
        raise ConfigError(str(error)) from error


def _adapter(hint: Any) -> TypeAdapter[Any]:  # noqa: ANN401 - any annotation of a parameter
    try:
        return TypeAdapter(hint, config=ConfigDict(strict=False))
    except Exception:  # noqa: BLE001 - pydantic refuses a config for types that bring their own
        return TypeAdapter(hint)
