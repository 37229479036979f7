"""One command of a script as it would run: its program without what wraps it, and its arguments."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from tools.code.shell.options import Options, read_options
from tools.code.shell.programs import VALUE_OPTIONS
from tools.code.shell.redirects import Redirect, redirects_of, stdin_of
from tools.code.shell.tree import line_of, text_of
from tools.code.shell.words import Word, plain_word, word_of
from tools.code.shell.wrappers import base_name, unwrap

if TYPE_CHECKING:
    from tree_sitter import Node


@dataclass(frozen=True, slots=True)
class Command:
    """`name` without its folder, `arguments` after it, `wrappers` before it.

    `text` stands verbatim in the script. `node` is where it stands there; `is_inner` when it was
    found inside a string of that node, whose line is then its line. `stdin` is what a heredoc or a
    here-string feeds it.
    """

    name: str
    arguments: tuple[Word, ...]
    wrappers: tuple[str, ...]
    redirects: tuple[Redirect, ...]
    stdin: str
    line: int
    text: str
    node: Node
    is_inner: bool = False

    @property
    def values(self) -> list[str]:
        """The arguments without their quotes."""
        return [word.value for word in self.arguments]

    @property
    def own_options(self) -> Options:
        """The arguments told apart as this program does."""
        return read_options(self.arguments, VALUE_OPTIONS.get(self.name, ()))

    def is_call(self, *starts: str) -> bool:
        """Whether its words, options left out, begin with one of these (`git push`)."""
        if not any(start.split()[0] == self.name for start in starts):
            return False
        plain = [self.name, *self.own_options.rest_values]
        return any(plain[: len(start.split())] == start.split() for start in starts)

    def has_wrapper(self, *names: str) -> bool:
        """Whether one of these runs it (`xargs rm`)."""
        return any(name in self.wrappers for name in names)


def command_at(node: Node) -> Command | None:
    """The command that stands at `node`; None where there is none to run."""
    if node.type == "redirected_statement":
        return _bare_redirect(node)
    wrappers, words = unwrap(_words(node))
    if not words:
        return None
    return Command(
        base_name(words[0]),
        tuple(words[1:]),
        wrappers,
        tuple(redirects_of(node)),
        stdin_of(node),
        line_of(node),
        text_of(node),
        node,
    )


def _bare_redirect(node: Node) -> Command | None:
    """`> file` alone is a statement that empties the file."""
    if any(not child.type.endswith("_redirect") for child in node.named_children):
        return None
    redirects = tuple(redirects_of(node))
    return Command("", (), (), redirects, "", line_of(node), text_of(node), node)


def _words(node: Node) -> list[Word]:
    children = [
        child
        for child in node.named_children
        if not child.type.endswith("_redirect") and child.type != "comment"
    ]
    if node.type in ("declaration_command", "unset_command"):
        first = plain_word(text_of(node.children[0]), line_of(node))
        return [first, *(word_of(child) for child in children)]
    return [word_of(child) for child in children if child.type != "variable_assignment"]
