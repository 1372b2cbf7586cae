"""What ``sonicmini modules`` and ``sonicmini check`` show."""

import inspect
from collections.abc import Sequence
from dataclasses import MISSING
from typing import Any

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text
from rich.tree import Tree

from sonicmini.config import JobConfig
from sonicmini.inference_config import Place
from sonicmini.module import Module
from sonicmini.plugins import available, parameters, resolve
from sonicmini.prepare import Job


def render_modules(names: Sequence[str]) -> RenderableType:
    """Describes these module types, or all.

    Raises:
        ConfigError: a type does not exist.
    """
    return Group(*(_module_type(name, resolve(name)) for name in names or available()))


def _module_type(name: str, cls: type[Module]) -> RenderableType:
    first_line = (inspect.getdoc(cls) or "").partition("\n")[0]
    tree = Tree(Text.assemble((name, "bold"), f"  {first_line}"))
    for heading, products in (("consumes", cls.consumes), ("produces", cls.produces)):
        # A module whose products depend on its parameters computes them from an instance.
        known = not isinstance(products, property)
        tree.add(f"{heading}: {', '.join(products) if known else 'by its parameters'}")
    for parameter, (hint, field) in parameters(cls).items():
        default = field.default_factory() if callable(field.default_factory) else field.default
        shown = "required" if default is MISSING else repr(default)
        tree.add(Text(f"{parameter}: {_type_name(hint)} = {shown}"))
    return tree


def _type_name(hint: Any) -> str:  # noqa: ANN401 - any annotation
    return hint.__name__ if isinstance(hint, type) else str(hint)


def _evaluated(config: JobConfig, place: Place) -> str:
    if place == "local":
        return "local onnxruntime"
    servers = ", ".join(server.url for server in config.inference.servers)
    return f"remote: {servers or 'an embedded Triton'}"


def render_job(job: Job) -> RenderableType:
    """Shows a checked job: input, modules in running order with their makers, models, output."""
    table = Table(box=None, title="Modules in running order", title_justify="left", pad_edge=False)
    for heading in ("module", "type", "after", "produces"):
        table.add_column(heading, overflow="fold")
    for label, makers in job.graph.items():
        module = job.modules[label]
        table.add_row(
            label,
            type(module).__name__,
            ", ".join(sorted(makers)) or "input",
            ", ".join(module.produces),
        )
    lines = [Text(f"input: {job.source.entries} events in {len(job.config.input.files)} file(s)")]
    lines += [
        Text(f"network: {label}: model {job.specs[model]}, {_evaluated(job.config, place)}")
        for place in ("local", "remote")
        for label, model in job.networks(place).items()
    ]
    lines += [
        Text(f"output: {job.config.output.file}: {', '.join(job.content)}"),
        Text("everything fits: this workflow can run", style="green"),
    ]
    return Group(table, Text(), *lines)
