"""The language of selections: a few kinds of Python's expressions, and nothing that runs.

``ast`` parses; whatever is not on the lists below is refused, with its place.
"""

import ast
from typing import Any, NamedTuple

from sonicmini.errors import ConfigError, nearest

REDUCTIONS = ("all", "any", "count", "max", "min", "sum")
"""Functions that make one value for each event of one for each object."""

_FUNCTIONS = ("abs", *REDUCTIONS)
_CONDITIONS = ("all", "any")
_ARITHMETIC = (ast.Add, ast.Sub, ast.Mult, ast.Div, ast.Pow)
_LOGIC = (ast.BitAnd, ast.BitOr)
_COMPARISONS = (ast.Lt, ast.LtE, ast.Gt, ast.GtE, ast.Eq, ast.NotEq)
_MAX_DEPTH = 60
_SHOWN = 60  # characters of a part in a message
_HINT = "conditions are joined by and, or, not; & | ~ bind tighter than comparisons: (a > 1) & b"


class Parsed(NamedTuple):
    """An expression that keeps to the language.

    Attributes:
        expression: in one line.
        products: that it names.
        body: to be evaluated.
    """

    expression: str
    products: frozenset[str]
    body: ast.expr


class Place(NamedTuple):
    """A part of an expression, for messages."""

    expression: str
    node: ast.expr

    def message(self, text: str) -> str:
        """What is wrong, and where."""
        before = self.expression.encode()[: self.node.col_offset].decode(errors="ignore")
        part = snippet(self.expression, self.node)
        return f'selection "{self.expression}", column {len(before) + 1}: {part}: {text}'


def snippet(expression: str, node: ast.expr) -> str:
    """The text of a part, shortened."""
    text = ast.get_source_segment(expression, node) or ""
    return text if len(text) <= _SHOWN else f"{text[: _SHOWN - 3]}..."


def parse(expression: str) -> Parsed:
    """Reads a selection.

    Raises:
        ConfigError: lists every fault.
    """
    line = " ".join(expression.split())
    body = _tree(line)
    checker = _Checker(line)
    checker.visit(body)
    if not checker.faults and _is_number(body):
        checker.fault(body, "is a number where a condition is needed; compare it with something")
    if not checker.faults and not checker.products:
        checker.fault(body, "names no product, so that it selects nothing")
    if checker.faults:
        raise ConfigError("\n".join(checker.faults))
    return Parsed(line, frozenset(checker.products), body)


def _tree(line: str) -> ast.expr:
    if "#" in line:
        raise ConfigError(f'selection "{line}", column {line.index("#") + 1}: no comments here')
    try:
        body = ast.parse(line, mode="eval").body
    except SyntaxError as error:
        place = f'selection "{line}", column {error.offset or 1}'
        raise ConfigError(f"{place}: {error.msg}; equality is ==, {_HINT}") from error
    except (RecursionError, MemoryError, ValueError) as error:
        raise ConfigError(f'selection "{line[:_SHOWN]}": cannot be parsed: {error}') from error
    if _depth(body) > _MAX_DEPTH:
        raise ConfigError(f'selection "{line[:_SHOWN]}...": nested more than {_MAX_DEPTH} deep')
    return body


def _depth(body: ast.AST) -> int:
    depth, level = 0, [body]
    while level:
        level = [child for node in level for child in ast.iter_child_nodes(node)]
        depth += 1
    return depth


def _is_number(node: ast.expr) -> bool:
    """Whether it is one, whatever the columns are."""
    if isinstance(node, ast.Constant):
        return isinstance(node.value, int | float) and not isinstance(node.value, bool)
    if isinstance(node, ast.BinOp):
        return isinstance(node.op, _ARITHMETIC)
    if isinstance(node, ast.UnaryOp):
        return isinstance(node.op, ast.USub | ast.UAdd)
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
        return node.func.id not in _CONDITIONS
    return False


class _Checker(ast.NodeVisitor):
    """Collects faults and products."""

    def __init__(self, expression: str) -> None:
        self.expression = expression
        self.faults: list[str] = []
        self.products: set[str] = set()

    def fault(self, node: ast.expr, text: str) -> None:
        self.faults.append(Place(self.expression, node).message(text))

    def condition(self, node: ast.expr) -> None:
        if _is_number(node):
            self.fault(node, f"is a number where a condition is needed; {_HINT}")

    def generic_visit(self, node: ast.AST) -> None:
        """Everything that is not named below."""
        if isinstance(node, ast.expr):
            self.fault(node, "is not part of the language of selections (docs/skim.md)")

    def visit_BoolOp(self, node: ast.BoolOp) -> None:
        for value in node.values:
            self.condition(value)
            self.visit(value)

    def visit_BinOp(self, node: ast.BinOp) -> None:
        if isinstance(node.op, _LOGIC):
            self.condition(node.left)
            self.condition(node.right)
        elif not isinstance(node.op, _ARITHMETIC):
            self.fault(node, "of operators there are + - * / ** and & |")
        self.visit(node.left)
        self.visit(node.right)

    def visit_UnaryOp(self, node: ast.UnaryOp) -> None:
        if isinstance(node.op, ast.Not | ast.Invert):
            self.condition(node.operand)
        self.visit(node.operand)

    def visit_Compare(self, node: ast.Compare) -> None:
        if not all(isinstance(op, _COMPARISONS) for op in node.ops):
            self.fault(node, "of comparisons there are < <= > >= == !=")
        for operand in (node.left, *node.comparators):
            self.visit(operand)

    def visit_Constant(self, node: ast.Constant) -> None:
        if not isinstance(node.value, bool | int | float):
            self.fault(node, "of constants there are numbers, True and False")

    def visit_Attribute(self, node: ast.Attribute) -> None:
        if isinstance(node.value, ast.Name):
            self.products.add(node.value.id)
        else:
            self.fault(node, "a field is written PRODUCT.FIELD")

    def visit_Name(self, node: ast.Name) -> None:
        self.products.add(node.id)

    def visit_Call(self, node: ast.Call) -> None:
        name: Any = getattr(node.func, "id", None)
        if name not in _FUNCTIONS:
            known = f"of functions there are {', '.join(_FUNCTIONS)}"
            self.fault(node, f"{known}{nearest(name, _FUNCTIONS) if name else ''}")
            return
        if len(node.args) != 1 or node.keywords:
            self.fault(node, f"{name} takes one argument")
        elif name in ("all", "any", "count"):
            self.condition(node.args[0])
        for argument in node.args:
            self.visit(argument)
