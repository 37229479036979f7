"""Which labels a part of a query has left, and whether two sides can match."""

from __future__ import annotations

from dataclasses import dataclass

from tools.code.promql.expressions import Part

_KEEP_SERIES = ("topk", "bottomk", "limitk", "limit_ratio")
_SET_OPERATORS = ("and", "unless", "or")


@dataclass(frozen=True, slots=True)
class Labels:
    """`names` are exactly the labels it has; None when it has its series' own, unknown ones."""

    names: frozenset[str] | None
    is_scalar: bool = False


def labels_of(part: Part) -> Labels:
    """The labels of a part's result, as far as the query itself says."""
    node = part.node
    if part.kind in ("NumberLiteral", "StringLiteral"):
        return Labels(None, is_scalar=True)
    if part.kind in ("ParenExpr", "UnaryExpr", "SubqueryExpr"):
        return labels_of(Part(node.expr, part))
    if part.kind == "AggregateExpr":
        return _of_aggregation(part)
    if part.kind == "Call":
        return _of_call(part)
    if part.kind == "BinaryExpr":
        return _of_operation(part)
    return Labels(None)


def _of_aggregation(part: Part) -> Labels:
    if part.function in _KEEP_SERIES:
        return labels_of(Part(part.node.expr, part))
    modifier = part.node.modifier
    if modifier is None:
        return Labels(frozenset())
    if str(modifier.type).endswith("By"):
        return Labels(frozenset(modifier.labels))
    return Labels(None)


def _of_call(part: Part) -> Labels:
    if part.function in ("time", "scalar", "pi"):
        return Labels(None, is_scalar=True)
    if part.function in ("vector", "absent", "absent_over_time", "label_replace", "label_join"):
        return Labels(None)
    vectors = [
        one
        for one in part.node.args
        if type(one).__name__ not in ("NumberLiteral", "StringLiteral")
    ]
    labels = labels_of(Part(vectors[0], part)) if vectors else Labels(None, is_scalar=True)
    if part.function.startswith("histogram_") and labels.names is not None:
        return Labels(labels.names - {"le"})
    return labels


def _of_operation(part: Part) -> Labels:
    left = labels_of(Part(part.node.lhs, part))
    right = labels_of(Part(part.node.rhs, part))
    if left.is_scalar and right.is_scalar:
        return left
    if left.is_scalar or right.is_scalar:
        return right if left.is_scalar else left
    modifier = part.node.modifier
    if modifier is not None and (
        modifier.matching is not None or modifier.group_labels is not None
    ):
        return Labels(None)
    return left


def never_match(part: Part) -> bool:
    """Whether the two sides of an operation cannot have a series with the same labels."""
    modifier = part.node.modifier
    if modifier is not None and modifier.matching is not None:
        return False
    if str(part.node.op) == "or":
        return False
    left = labels_of(Part(part.node.lhs, part))
    right = labels_of(Part(part.node.rhs, part))
    if left.is_scalar or right.is_scalar:
        return False
    if left.names is not None and right.names is not None:
        return left.names != right.names
    if left.names is None and right.names is None:
        return False
    # A scraped series has at least `job` and `instance`; an aggregation of few labels has not.
    known = left.names if left.names is not None else right.names
    other = part.node.rhs if left.names is not None else part.node.lhs
    return known is not None and not {"job", "instance"} <= known and _is_scraped(other, part)


def _is_scraped(node: object, around: Part) -> bool:
    """Whether the node is series as they are scraped, aggregated nowhere."""
    parts = list(Part(node, around).below())
    return any(part.kind == "VectorSelector" for part in parts) and not any(
        part.kind == "AggregateExpr" or part.function in ("absent", "vector", "label_replace")
        for part in parts
    )
