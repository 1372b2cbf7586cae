"""Selections of events: an expression on products, parsed and never executed as Python.

``count(Jet.pt > 30 and abs(Jet.eta) < 2.4) >= 2 and MET.pt > 50``: ``docs/skim.md`` describes the
language. A column of a jagged product has one value for each object; ``any``, ``all``, ``count``,
``sum``, ``max`` and ``min`` make one for each event of it, and so must the whole.
"""

import ast
import operator
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import awkward as ak
import numpy as np

from sonicmini.errors import ConfigError, nearest
from sonicmini.event import Products
from sonicmini.skim.syntax import REDUCTIONS, Place, parse
from sonicmini.skim.values import (
    Bools,
    DifferentObjectsError,
    Value,
    binary,
    column,
    constant,
    reduce,
    unary,
)


@dataclass(frozen=True)
class Selection:
    """A condition on events.

    Attributes:
        expression: as it was parsed, in one line.
        products: which it needs.
    """

    expression: str
    products: frozenset[str]
    _body: ast.expr = field(repr=False, compare=False)

    def mask(self, products: Products) -> Bools:
        """Whether each event passes, shape ``(events,)``.

        Args:
            products: at least those of ``products``.

        Raises:
            ConfigError: a product or a field that does not exist, or an expression without sense
                for what the products are; names the place.
        """
        evaluation = _Evaluation(self.expression, products)
        with np.errstate(all="ignore"):
            result = evaluation.condition(self._body)
        if result.counts is not None:
            text = f"is one value for each {result.owner}; write any(...) or all(...)"
            raise evaluation.fault(self._body, text)
        events = len(products[min(self.products)])
        return np.array(np.broadcast_to(result.data, (events,)))


def compile_selection(expression: str) -> Selection:
    """Parses a selection.

    Raises:
        ConfigError: lists every fault that can be seen without the products.
    """
    parsed = parse(expression)
    return Selection(parsed.expression, parsed.products, parsed.body)


class _Evaluation(NamedTuple):
    expression: str
    products: Products

    def fault(self, node: ast.expr, text: str) -> ConfigError:
        return ConfigError(Place(self.expression, node).message(text))

    def evaluate(self, node: ast.expr) -> Value:
        match node:
            case ast.Constant():
                value = constant(node.value)  # type: ignore[arg-type]  # the parser lets no other
            case ast.Attribute(value=ast.Name() as product):
                value = self.field(node, product)
            case ast.Name():
                value = self.bare(node)
            case ast.UnaryOp():
                value = self.unary(node)
            case ast.BinOp():
                value = self.binary(node)
            case ast.BoolOp():
                value = self.logic(node)
            case ast.Compare():
                value = self.compare(node)
            case ast.Call(func=ast.Name(id=name), args=[argument]):
                value = self.call(node, name, argument)
            case _:
                raise self.fault(node, "is not part of the language of selections")
        return value

    def condition(self, node: ast.expr) -> Value:
        """Values that are true or false."""
        value = self.evaluate(node)
        if not value.is_condition:
            text = "is a number where a condition is needed; compare it with something"
            raise self.fault(node, text)
        return value

    def product(self, node: ast.Name) -> ak.Array:
        if node.id not in self.products:
            raise self.fault(node, f"no product {node.id}{nearest(node.id, self.products)}")
        return self.products[node.id]

    def field(self, node: ast.Attribute, name: ast.Name) -> Value:
        product = self.product(name)
        if node.attr not in product.fields:
            text = f"{name.id} has no {node.attr}{nearest(node.attr, product.fields)}"
            raise self.fault(node, text)
        return column(product[node.attr], name.id)

    def bare(self, node: ast.Name) -> Value:
        product = self.product(node)
        if product.fields:
            hint = f"name a field of it, such as {node.id}.{product.fields[0]}"
            raise self.fault(node, f"is a whole product; {hint}")
        return column(product, node.id)

    def pair(self, node: ast.expr, function: Callable[..., Any], one: Value, two: Value) -> Value:
        arithmetic = isinstance(node, ast.BinOp) and type(node.op) in _ARITHMETIC
        try:
            return binary(function, one, two, as_numbers=arithmetic)
        except DifferentObjectsError as error:
            raise self.fault(node, f"{error}; make one value for each event of them") from error

    def unary(self, node: ast.UnaryOp) -> Value:
        if isinstance(node.op, ast.Not | ast.Invert):
            return unary(np.logical_not, self.condition(node.operand))
        function = operator.neg if isinstance(node.op, ast.USub) else operator.pos
        return unary(function, self.evaluate(node.operand), as_number=True)

    def binary(self, node: ast.BinOp) -> Value:
        if type(node.op) in _ARITHMETIC:
            one, two = self.evaluate(node.left), self.evaluate(node.right)
            return self.pair(node, _ARITHMETIC[type(node.op)], one, two)
        one, two = self.condition(node.left), self.condition(node.right)
        return self.pair(node, _LOGIC[type(node.op)], one, two)

    def logic(self, node: ast.BoolOp) -> Value:
        result = self.condition(node.values[0])
        for operand in node.values[1:]:
            result = self.pair(node, _LOGIC[type(node.op)], result, self.condition(operand))
        return result

    def compare(self, node: ast.Compare) -> Value:
        """Every comparison of the chain holds."""
        operands = [self.evaluate(operand) for operand in (node.left, *node.comparators)]
        links = [
            self.pair(node, _COMPARISONS[type(op)], one, two)
            for op, one, two in zip(node.ops, operands[:-1], operands[1:], strict=True)
        ]
        result = links[0]
        for link in links[1:]:
            result = self.pair(node, np.logical_and, result, link)
        return result

    def call(self, node: ast.expr, name: str, argument: ast.expr) -> Value:
        if name == "count" and isinstance(argument, ast.Name):
            return self.size(argument)
        value = self.condition(argument) if name in _OF_CONDITIONS else self.evaluate(argument)
        if name not in REDUCTIONS:
            return unary(np.abs, value, as_number=True)
        if value.counts is None:
            raise self.fault(node, "there is only one value for each event")
        return reduce(name, value.data, value.counts)

    def size(self, node: ast.Name) -> Value:
        """The number of objects of a product."""
        product = self.product(node)
        if product.ndim == 1:
            raise self.fault(node, "has one entry for each event: nothing to count")
        return Value(np.asarray(ak.num(product, axis=1), dtype=np.int64))


_OF_CONDITIONS = ("all", "any", "count")
_ARITHMETIC: Mapping[type, Callable[..., Any]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.Pow: operator.pow,
}
_LOGIC: Mapping[type, Callable[..., Any]] = {
    ast.And: np.logical_and,
    ast.BitAnd: np.logical_and,
    ast.Or: np.logical_or,
    ast.BitOr: np.logical_or,
}
_COMPARISONS: Mapping[type, Callable[..., Any]] = {
    ast.Lt: operator.lt,
    ast.LtE: operator.le,
    ast.Gt: operator.gt,
    ast.GtE: operator.ge,
    ast.Eq: operator.eq,
    ast.NotEq: operator.ne,
}
