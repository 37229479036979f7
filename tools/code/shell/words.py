"""A word of a shell command, as the shell would read it: what is literal, expanded, quoted."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tools.code.shell.tree import SUBSTITUTIONS, line_of, text_of

if TYPE_CHECKING:
    from tree_sitter import Node

_GLOB = re.compile(r"(?<!\\)[*?]|(?<!\\)\[[^]]+\]")
_ESCAPED = re.compile(r"\\(.)", re.DOTALL)
# `${name:?}` stops the script when the variable is empty; `${name:-word}` has another for it.
_GUARDED = re.compile(r"\$\{[\w@*]+(:?\?|:[-=][^}])")
_PLAIN_EXPANSION = re.compile(r"\$\w+|\$\{\w+\}|\$[@*#?$!-]")


@dataclass(frozen=True, slots=True)
class Expansion:
    """One `$name` or `${name…}`.

    `is_guarded` when it cannot expand to nothing unnoticed, `is_changed` when it is not the
    variable's plain value (`${name%/}`).
    """

    name: str
    is_quoted: bool
    is_guarded: bool
    is_changed: bool


@dataclass(frozen=True, slots=True)
class Word:
    """`text` is verbatim; `value` is without quotes, its expansions left as they are written.

    `literal` is what stands in it apart from expansions.
    """

    text: str
    value: str
    line: int
    expansions: tuple[Expansion, ...] = ()
    has_substitution: bool = False
    has_glob: bool = False
    literal: str = ""
    is_quoted: bool = False

    @property
    def is_literal(self) -> bool:
        """Whether the shell hands over exactly `value`."""
        return not (self.expansions or self.has_substitution or self.has_glob)

    @property
    def is_relative(self) -> bool:
        """Whether it is certainly a path from where the script is."""
        return not self.value.startswith(("/", "~", "$", "`"))

    @property
    def leading(self) -> Expansion | None:
        """The expansion that it begins with."""
        starts = self.value.startswith("$") and not self.value.startswith("$(")
        return self.expansions[0] if starts and self.expansions else None


def plain_word(value: str, line: int) -> Word:
    """A word that stands in no source, as it is found inside a string."""
    return Word(value, value, line, literal=value)


def word_of(node: Node) -> Word:
    """The word that `node` is."""
    parts = list(_parts(node, is_quoted=False))
    return Word(
        text_of(node),
        "".join(part.value for part in parts),
        line_of(node),
        tuple(part.expansion for part in parts if part.expansion),
        any(part.is_substitution for part in parts),
        any(part.has_glob for part in parts),
        "".join(part.value for part in parts if not part.expansion and not part.is_substitution),
        node.type in ("string", "raw_string", "ansi_c_string"),
    )


@dataclass(frozen=True, slots=True)
class _Part:
    value: str
    expansion: Expansion | None = None
    is_substitution: bool = False
    has_glob: bool = False


def _parts(node: Node, *, is_quoted: bool) -> list[_Part]:
    text = text_of(node)
    if node.type in ("simple_expansion", "expansion"):
        return [_Part(text, _expansion(text, is_quoted))]
    if node.type in SUBSTITUTIONS:
        return [_Part(text, is_substitution=True)]
    if node.type == "raw_string":
        return [_Part(text[1:-1])]
    if node.type == "ansi_c_string":
        return [_Part(text[2:-1])]
    if node.type in ("string", "translated_string"):
        return _inside_quotes(node)
    if node.type in ("concatenation", "command_name"):
        return [part for child in node.children for part in _parts(child, is_quoted=is_quoted)]
    return [_Part(_ESCAPED.sub(r"\1", text), has_glob=bool(_GLOB.search(text)))]


def _inside_quotes(node: Node) -> list[_Part]:
    """What stands between the quotes; blanks between expansions belong to no node of their own."""
    raw, start = node.text or b"", node.start_byte
    parts, at = [], start + 1
    for child in node.named_children:
        parts.append(_Part(raw[at - start : child.start_byte - start].decode(errors="replace")))
        if child.type == "string_content":
            parts.append(_Part(re.sub(r'\\(["$`\\])', r"\1", text_of(child))))
        else:
            parts.extend(_parts(child, is_quoted=True))
        at = child.end_byte
    tail = raw[at - start : len(raw) - 1].decode(errors="replace")
    return [*parts, _Part(tail)]


def _expansion(text: str, is_quoted: bool) -> Expansion:
    name = re.search(r"\w+|[@*#?$!-]", text.lstrip("${"))
    return Expansion(
        name.group() if name else "",
        is_quoted,
        bool(_GUARDED.match(text)),
        not _PLAIN_EXPANSION.fullmatch(text),
    )
