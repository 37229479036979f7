"""What is known of a script's variables: which can be empty when they are used."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tools.code.shell.tree import line_of, text_of
from tools.code.shell.words import Expansion, Word, plain_word, word_of

if TYPE_CHECKING:
    from tree_sitter import Node

    from tools.code.shell.commands import Command

# Programs whose output is not empty when they succeed.
_SPEAKING = re.compile(
    r"^(\$\(|`)\s*(mktemp|pwd|dirname|basename|date|hostname|uname|whoami|id|nproc|realpath|cd)\b"
)
# Set in any session.
_ALWAYS_SET = frozenset({"HOME", "PWD", "USER", "HOSTNAME", "PPID", "$", "#", "?", "RANDOM", "UID"})
# `[ -n "$x" ]`, `[[ -z $x ]]`, `[ -d "$x" ]`, `[ "$x" != "" ]`, `[ "$x" = prod ]`.
_TESTED = re.compile(r"\$\{?(\w+)")
_COUNTED = re.compile(r"\$\{?#\}?|\$#")
_POSITIONAL = re.compile(r"[1-9@*]")


@dataclass(frozen=True, slots=True)
class Variables:
    """`assigned` has each variable's words in order; `tested` those that something looks at."""

    assigned: Mapping[str, tuple[Word, ...]]
    loops: Mapping[str, tuple[Word, ...]]
    tested: frozenset[str]
    counts_arguments: bool

    def may_be_empty(self, expansion: Expansion, depth: int = 0) -> bool:
        """Whether nothing in the script rules out that it expands to nothing."""
        name = expansion.name
        if expansion.is_guarded or name in _ALWAYS_SET or name in self.tested:
            return False
        if self.counts_arguments and _POSITIONAL.fullmatch(name):
            return False
        if name in self.loops:
            return False
        words = self.assigned.get(name, ())
        return not words or depth > 5 or any(self._may_be_empty(word, depth) for word in words)

    def _may_be_empty(self, word: Word, depth: int) -> bool:
        if word.literal or _SPEAKING.match(word.value):
            return False
        return word.has_substitution or all(
            self.may_be_empty(one, depth + 1) for one in word.expansions
        )

    def literal(self, name: str) -> str | None:
        """The value of a variable that is assigned once, and to a literal."""
        words = self.assigned.get(name, ())
        return words[0].value if len(words) == 1 and words[0].is_literal else None

    def resolved(self, word: Word) -> str:
        """The word's value with the variables put in whose value the script itself says."""
        value = word.value
        for expansion in word.expansions:
            literal = self.literal(expansion.name)
            if literal is not None and not expansion.is_changed:
                value = _put_in(value, expansion.name, literal)
        return value


def _put_in(text: str, name: str, value: str) -> str:
    return re.sub(rf"\$\{{?{re.escape(name)}\b\}}?", lambda _: value, text)


def read_variables(nodes: Sequence[Node], commands: Iterable[Command]) -> Variables:
    """What the script's nodes say of its variables."""
    assigned = _assignments(nodes)
    tests = [text_of(node) for node in nodes if node.type in ("test_command", "compound_statement")]
    tests = [text for text in tests if text.startswith(("[", "(("))]
    tests += [command.text for command in commands if command.name == "test"]
    tests += [_subject(node) for node in nodes if node.type == "case_statement"]
    tested = {name for text in tests for name in _TESTED.findall(text)}
    tested |= {name for one in commands if one.name == ":" for name in _TESTED.findall(one.text)}
    return Variables(
        assigned,
        _loops(nodes),
        frozenset(tested),
        any(_COUNTED.search(text) for text in tests),
    )


def joined(scopes: Sequence[Variables]) -> Variables:
    """What is known in a script and in the strings that it hands to shells, together."""
    assigned: dict[str, tuple[Word, ...]] = {}
    for scope in scopes:
        for name, words in scope.assigned.items():
            assigned[name] = (*assigned.get(name, ()), *words)
    return Variables(
        assigned,
        {name: words for scope in scopes for name, words in scope.loops.items()},
        frozenset().union(*(scope.tested for scope in scopes)),
        any(scope.counts_arguments for scope in scopes),
    )


def _subject(case: Node) -> str:
    value = case.child_by_field_name("value")
    return text_of(value) if value is not None else ""


def _assignments(nodes: Sequence[Node]) -> dict[str, tuple[Word, ...]]:
    """Each variable's assigned words, in order; those before a command (`A=1 cmd`) left out."""
    found: dict[str, list[Word]] = {}
    for node in nodes:
        name = node.child_by_field_name("name") if node.type == "variable_assignment" else None
        if name is None or (node.parent is not None and node.parent.type == "command"):
            continue
        value = node.child_by_field_name("value")
        word = word_of(value) if value is not None else plain_word("", line_of(node))
        found.setdefault(text_of(name), []).append(word)
    return {name: tuple(words) for name, words in found.items()}


def _loops(nodes: Sequence[Node]) -> dict[str, tuple[Word, ...]]:
    """The words that each `for` goes over."""
    found = {}
    for node in nodes:
        if node.type == "for_statement":
            variable = node.child_by_field_name("variable")
            words = node.children_by_field_name("value")
            if variable is not None:
                found[text_of(variable)] = tuple(word_of(word) for word in words)
    return found
