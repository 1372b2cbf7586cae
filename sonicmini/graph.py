"""From declared inputs and products to a running order, or to one error with every fault."""

import graphlib
from collections import defaultdict
from collections.abc import Collection, Mapping

from sonicmini.errors import GraphError, nearest
from sonicmini.module import Module


def build_graph(
    modules: Mapping[str, Module], source_products: Collection[str]
) -> dict[str, set[str]]:
    """Finds for each module the modules whose products it consumes.

    Args:
        modules: by label.
        source_products: what the input offers.

    Returns:
        Labels of the direct predecessors of each module, modules in a running order.

    Raises:
        GraphError: lists every product that nobody makes, that two make, and every cycle.
    """
    makers = _makers(modules, source_products)
    faults = [
        f"product {product} is made by {' and by '.join(labels)}"
        for product, labels in makers.items()
        if len(labels) > 1
    ]
    graph: dict[str, set[str]] = {}
    for label, module in modules.items():
        graph[label] = set()
        for product in sorted(module.consumes):
            if product not in makers:
                hint = nearest(product, makers)
                faults.append(f"module {label} consumes {product}, which nobody makes{hint}")
            else:
                graph[label].update(maker for maker in makers[product] if maker in modules)
    try:
        order = list(graphlib.TopologicalSorter(graph).static_order())
    except graphlib.CycleError as error:
        faults.append("modules wait for each other: " + " -> ".join(reversed(error.args[1])))
    if faults:
        raise GraphError("\n".join(faults))
    return {label: graph[label] for label in order}


def _makers(
    modules: Mapping[str, Module], source_products: Collection[str]
) -> dict[str, list[str]]:
    makers: dict[str, list[str]] = defaultdict(list)
    for product in source_products:
        makers[product].append("the input")
    for label, module in modules.items():
        for product in module.produces:
            makers[product].append(label)
    return makers
