"""A PromQL expression as its rules see it: each node with those around it.

promql-parser is a library of Rust with no types for Python; what it gives is told apart here.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

_RANGE_WANTED = re.compile(r"expected type matrix .* got (vector|scalar)")
_FIXES = (
    (_RANGE_WANTED, "give the selector a range: metric[5m]"),
    (
        re.compile(r"got matrix|instant vector types"),
        "put the range into a function: rate(metric[5m])",
    ),
    (re.compile(r"unclosed|unexpected .*(parenthesis|bracket|brace)"), "close what is open"),
    (re.compile(r"illegal regex"), "write it in RE2, which has no look-around"),
)


class PromqlUnreadable(Exception):
    """A query that does not parse; `fix` says what to write, as far as the message tells."""

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message
        self.fix = next((fix for pattern, fix in _FIXES if pattern.search(message)), "")


@dataclass(frozen=True)
class Part:
    """One node of an expression: `kind` is the parser's class, `parent` the node around it."""

    node: Any
    parent: Part | None = None

    @property
    def around(self) -> Iterator[Part]:
        """The nodes around it, from the nearest outwards."""
        part = self.parent
        while part is not None:
            yield part
            part = part.parent

    @property
    def kind(self) -> str:
        """The class of its node."""
        return type(self.node).__name__

    @property
    def function(self) -> str:
        """The called function's name, or the aggregation's; else nothing."""
        if self.kind == "Call":
            return str(self.node.func.name)
        return str(self.node.op) if self.kind == "AggregateExpr" else ""

    @property
    def metric(self) -> str:
        """A selector's metric; empty where it has none."""
        if self.kind != "VectorSelector":
            return ""
        named = [one.value for one in self.matchers if one.name == "__name__" and _is_equal(one)]
        return str(self.node.name or (named[0] if named else ""))

    @property
    def matchers(self) -> Sequence[Any]:
        """The label matchers of a selector; none of another part."""
        return list(self.node.matchers.matchers) if self.kind == "VectorSelector" else []

    def is_inside(self, *functions: str) -> bool:
        """Whether one of these functions is called around it."""
        return any(part.function in functions for part in self.around)

    def below(self) -> Iterator[Part]:
        """Itself and all nodes below it."""
        return _walk(self)


def _is_equal(matcher: Any) -> bool:
    return str(matcher.op).endswith("Equal") and "Not" not in str(matcher.op)


def read_query(query: str) -> Part:
    """The root of the query; raises PromqlUnreadable."""
    import promql_parser

    try:
        return Part(promql_parser.parse(query))
    except ValueError as error:
        raise PromqlUnreadable(str(error)) from error


def _walk(part: Part) -> Iterator[Part]:
    stack = [part]
    while stack:
        current = stack.pop()
        yield current
        stack.extend(reversed([Part(one, current) for one in _children(current)]))


def _children(part: Part) -> list[Any]:
    node = part.node
    if part.kind == "Call":
        return list(node.args)
    if part.kind == "BinaryExpr":
        return [node.lhs, node.rhs]
    if part.kind == "MatrixSelector":
        return [node.vector_selector]
    if part.kind == "AggregateExpr":
        return [one for one in (node.param, node.expr) if one is not None]
    return [node.expr] if hasattr(node, "expr") else []
