"""The syntax tree of a shell script, and the few ways in which it is walked."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache

import tree_sitter_bash
from tree_sitter import Language, Node, Parser

# Where a command's own part ends: commands below these run on their own.
SUBSTITUTIONS = ("command_substitution", "process_substitution")
_JOINS = ("pipeline", "list", "redirected_statement", "negated_command")
LOOPS = ("while_statement", "for_statement", "c_style_for_statement")


@cache
def _grammar() -> Language:
    return Language(tree_sitter_bash.language())


def parse(code: str) -> Node:
    """The root of `code`; what does not parse becomes ERROR nodes, never an exception."""
    return Parser(_grammar()).parse(code.encode(errors="replace")).root_node


def text_of(node: Node) -> str:
    """The source text of the node."""
    return (node.text or b"").decode(errors="replace")


def line_of(node: Node) -> int:
    """The line that the node starts on, from 1."""
    return node.start_point[0] + 1


def below(node: Node, *types: str) -> Iterator[Node]:
    """The nodes of these types at and below `node`, in the order of the source."""
    stack = [node]
    while stack:
        current = stack.pop()
        if current.type in types:
            yield current
        stack.extend(reversed(current.children))


def above(node: Node) -> Iterator[Node]:
    """The nodes around `node`, from the nearest outwards."""
    parent = node.parent
    while parent is not None:
        yield parent
        parent = parent.parent


def is_within(node: Node, *types: str) -> bool:
    """Whether a node of one of these types is around `node`."""
    return any(parent.type in types for parent in above(node))


def statement_of(node: Node) -> Node:
    """The whole statement that `node` belongs to: with its pipeline, list and redirections."""
    statement = node
    for parent in above(node):
        if parent.type not in _JOINS:
            return statement
        statement = parent
    return statement


def pipeline_of(node: Node) -> Node | None:
    """The pipeline that `node` is a direct part of."""
    for parent in above(node):
        if parent.type == "pipeline":
            return parent
        if parent.type not in ("redirected_statement", "negated_command", "heredoc_redirect"):
            return None
    return None


def is_looked_at(node: Node) -> bool:
    """Whether something looks at the exit status of `node`: `if`, `while`, `&&`, `||`, `!`."""
    inside = node
    for parent in above(node):
        if parent.type == "negated_command":
            return True
        if parent.type == "list" and parent.named_children[-1].id != inside.id:
            return True
        if parent.type in ("if_statement", "elif_clause", "while_statement"):
            return inside.id in {one.id for one in parent.children_by_field_name("condition")} or (
                parent.type == "elif_clause" and parent.named_children[0].id == inside.id
            )
        if parent.type not in _JOINS:
            return False
        inside = parent
    return False


def previous_statement(node: Node) -> Node | None:
    """The statement before the one that `node` belongs to, in the same block."""
    before = statement_of(node).prev_named_sibling
    while before is not None and before.type == "comment":
        before = before.prev_named_sibling
    return before
