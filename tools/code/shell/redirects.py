"""Where a command's output goes and what it reads: its redirections, heredocs and here-strings."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tools.code.shell.tree import below, line_of, text_of
from tools.code.shell.words import Word, word_of

if TYPE_CHECKING:
    from tree_sitter import Node

_WRITING = (">", ">|", "&>", ">>", "&>>", ">&")
_EMPTYING = (">", ">|", "&>", ">&")


@dataclass(frozen=True, slots=True)
class Redirect:
    """`operator` with its target, which is None for a descriptor (`2>&1`)."""

    operator: str
    target: Word | None
    line: int

    @property
    def writes(self) -> bool:
        """Whether it writes to a file."""
        return self.target is not None and self.operator in _WRITING

    @property
    def empties(self) -> bool:
        """Whether it empties the file first."""
        return self.target is not None and self.operator in _EMPTYING


def redirects_of(node: Node) -> Iterator[Redirect]:
    """The redirections to files, of the command itself and of the statement that it ends."""
    for holder in _holders(node):
        for child in holder.named_children:
            if child.type == "file_redirect":
                yield _redirect(child)


def _holders(node: Node) -> Iterator[Node]:
    yield node
    parent, inside = node.parent, node
    while parent is not None and parent.type in ("redirected_statement", "pipeline", "list"):
        # A redirection after a pipeline or a list belongs to its last command.
        if parent.type != "redirected_statement" and parent.named_children[-1].id != inside.id:
            return
        if parent.type == "redirected_statement":
            yield parent
        inside, parent = parent, parent.parent


def _redirect(node: Node) -> Redirect:
    operator = next((text_of(child) for child in node.children if not child.is_named), "")
    targets = [one for one in node.named_children if one.type != "file_descriptor"]
    is_copy = not targets or (operator in (">&", "<&") and text_of(targets[0]).strip("-").isdigit())
    return Redirect(operator, None if is_copy else word_of(targets[0]), line_of(node))


def stdin_of(node: Node) -> str:
    """What the command reads: of the heredoc that belongs to it, or of its here-string."""
    strings = [
        word_of(child.named_children[-1]).value
        for holder in _holders(node)
        for child in holder.named_children
        if child.type == "herestring_redirect"
    ]
    return "\n".join([*strings, *(text_of(body) for body in _heredocs(node))])


def _heredocs(node: Node) -> Iterator[Node]:
    """The heredoc bodies whose text reaches this command, over `cat <<X | psql` too."""
    redirect = next((up for up in _enclosing(node) if up.type == "heredoc_redirect"), None)
    if redirect is not None:
        yield from (child for child in redirect.named_children if child.type == "heredoc_body")
    for holder in _holders(node):
        for child in holder.named_children:
            if child.type == "heredoc_redirect":
                yield from below(child, "heredoc_body")


def _enclosing(node: Node) -> Iterator[Node]:
    parent = node.parent
    while parent is not None and parent.type in ("pipeline", "list", "heredoc_redirect"):
        yield parent
        parent = parent.parent
