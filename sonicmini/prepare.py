"""From a validated configuration to everything that a run needs, or all that is wrong with it."""

from dataclasses import dataclass

from sonicmini.config import JobConfig
from sonicmini.errors import ConfigError, GraphError, ModelError
from sonicmini.graph import build_graph
from sonicmini.inference.onnx import OnnxClient
from sonicmini.inference.repository import ModelRepository, ModelSpec
from sonicmini.inference_config import Place
from sonicmini.io.keep import available, written
from sonicmini.io.root_source import RootSource
from sonicmini.io.schema import AOD, Collection
from sonicmini.module import Module, SonicProducer
from sonicmini.plugins import instantiate, resolve
from sonicmini.skim.step import Skim, make_skim
from sonicmini.workers import Workers

EVENT_ID = ("run", "luminosityBlock", "event")
"""Products that are always kept."""


@dataclass(frozen=True, kw_only=True)
class Job:
    """A configuration found to be runnable: everything built that a run needs but the output."""

    config: JobConfig
    modules: dict[str, Module]
    graph: dict[str, set[str]]
    content: dict[str, Collection | None]
    """Products to write with their tables; None where no table knows the product."""
    skim: Skim | None
    specs: dict[str, ModelSpec]
    source: RootSource
    client: OnnxClient
    workers: Workers

    def networks(self, place: Place) -> dict[str, str]:
        """Labels of the networks that are evaluated there, with their models."""
        return {
            label: module.model
            for label, module in self.modules.items()
            if isinstance(module, SonicProducer) and self.config.inference.place(label) == place
        }


def prepare(config: JobConfig) -> Job:
    """Builds and checks everything before the first event.

    Raises:
        ConfigError: modules, parameters, graph or products to keep; all faults at once.
        ModelError: models that are missing or differ from their config.pbtxt.
        InputError: input files; all faults of all files.
    """
    modules = _modules(config)
    consumed = {product for module in modules.values() for product in module.consumes}
    made = {product for module in modules.values() for product in module.produces}
    graph, content, skim = _plan(config, modules, made)
    selected = skim.products if skim else frozenset()
    wanted = (consumed | content.keys() | selected) - made
    specs = _specs(config, modules)
    modules = _configured(modules, specs)
    workers = Workers(config.options.threads)
    client = OnnxClient(specs, workers.run)
    client.load()
    source = RootSource(
        config.input.files,
        sorted(wanted),
        chunk_size=config.options.chunk_size,
        max_events=config.input.events,
        allow_nonfinite=config.options.allow_nonfinite,
    )
    return Job(
        config=config,
        modules=modules,
        graph=graph,
        content=content,
        skim=skim,
        specs=specs,
        source=source,
        client=client,
        workers=workers,
    )


def _modules(config: JobConfig) -> dict[str, Module]:
    modules: dict[str, Module] = {}
    faults: list[str] = []
    for label, entry in config.modules.items():
        try:
            modules[label] = instantiate(resolve(entry.type), entry.parameters)
        except ConfigError as error:
            faults += [f"modules.{label}: {line}" for line in str(error).splitlines()]
    if faults:
        raise ConfigError("\n".join(faults))
    return modules


def _plan(
    config: JobConfig, modules: dict[str, Module], made: set[str]
) -> tuple[dict[str, set[str]], dict[str, Collection | None], Skim | None]:
    """The order of modules, what is written of which events; or all that is wrong with them."""
    skim = None
    faults = [
        f"inference.modules.{label}: {type(modules[label]).__name__} is no network"
        for label in config.inference.modules
        if not isinstance(modules[label], SonicProducer)
    ]
    graph: dict[str, set[str]] = {}
    content: dict[str, Collection | None] = {product: AOD[product] for product in EVENT_ID}
    try:
        content |= written(config.output.keep, made) | content
    except ConfigError as error:
        faults += [f"output.keep: {line}" for line in str(error).splitlines()]
    try:
        skim = make_skim(config.skim, _names(made), content) if config.skim else None
    except ConfigError as error:
        faults += [f"skim: {line}" for line in str(error).splitlines()]
    try:
        graph = build_graph(modules, AOD)
    except GraphError as error:
        faults.append(str(error))
    if faults:
        raise ConfigError("\n".join(faults))
    return graph, content, skim


def _names(made: set[str]) -> dict[str, tuple[str, ...]]:
    """Products by the names that the output gives them, or by their own."""
    names: dict[str, tuple[str, ...]] = {product: (product,) for product in (*AOD, *made)}
    stored: dict[str, tuple[str, ...]] = {}
    for product, table in available(made).items():
        stored[table.prefix] = (*stored.get(table.prefix, ()), product)
    return names | stored


def _specs(config: JobConfig, modules: dict[str, Module]) -> dict[str, ModelSpec]:
    names = {module.model for module in modules.values() if isinstance(module, SonicProducer)}
    return ModelRepository(config.model_repository).specs(sorted(names)) if names else {}


def _configured(modules: dict[str, Module], specs: dict[str, ModelSpec]) -> dict[str, Module]:
    """The modules, those of networks with what lies beside their models."""
    configured: dict[str, Module] = {}
    faults: list[str] = []
    for label, module in modules.items():
        try:
            configured[label] = (
                module.configured(specs[module.model].folder)
                if isinstance(module, SonicProducer)
                else module
            )
        except ModelError as error:
            faults += [f"modules.{label}: {line}" for line in str(error).splitlines()]
    if faults:
        raise ModelError("\n".join(faults))
    return configured
