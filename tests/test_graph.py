"""The graph of modules."""

from dataclasses import dataclass

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sonicmini.errors import GraphError
from sonicmini.graph import build_graph
from sonicmini.module import Producer


@dataclass(frozen=True, kw_only=True)
class Step(Producer):
    """Declares what the test says."""

    consumes: tuple[str, ...] = ()
    produces: tuple[str, ...] = ()

    def produce(self, inputs):
        return inputs


def test_order_follows_the_products_not_the_configuration():
    modules = {
        "last": Step(consumes=("b", "a"), produces=("c",)),
        "second": Step(consumes=("a",), produces=("b",)),
        "first": Step(consumes=("input",), produces=("a",)),
    }
    graph = build_graph(modules, {"input"})
    assert list(graph) == ["first", "second", "last"]
    assert graph == {"first": set(), "second": {"first"}, "last": {"first", "second"}}


def test_all_faults_come_in_one_message():
    modules = {
        "one": Step(consumes=("PFCnd",), produces=("x",)),
        "two": Step(consumes=("z",), produces=("x", "PV")),
        "three": Step(consumes=("x", "w"), produces=("z",)),
    }
    with pytest.raises(GraphError) as raised:
        build_graph(modules, {"PFCand", "PV"})
    message = str(raised.value)
    assert "one consumes PFCnd, which nobody makes; did you mean PFCand?" in message
    assert "product x is made by one and by two" in message
    assert "product PV is made by the input and by two" in message
    assert "three consumes w" in message
    assert "modules wait for each other" in message
    assert {"two", "three"} <= set(message.replace("->", " ").split())


def test_a_module_that_consumes_its_own_product_is_a_cycle():
    with pytest.raises(GraphError, match="me -> me"):
        build_graph({"me": Step(consumes=("x",), produces=("x",))}, ())


@given(st.permutations(range(8)), st.data())
def test_every_module_runs_after_its_makers(order, data):
    modules = {}
    for label in order:
        earlier = data.draw(st.lists(st.sampled_from(range(label)), unique=True)) if label else []
        modules[f"m{label}"] = Step(
            consumes=tuple(f"p{e}" for e in earlier), produces=(f"p{label}",)
        )
    graph = build_graph(modules, ())
    done: set[str] = set()
    for label, makers in graph.items():
        assert makers <= done
        assert makers == {f"m{p[1:]}" for p in modules[label].consumes}
        done.add(label)
