"""Untrusted text made inert: for terminals, Markdown and Slack, whoever wrote it.

Logs, runbooks, names and models' words may hold what a terminal obeys, what a reader cannot see, or
what a renderer makes active. `visible` is for every text that is shown; `fenced` and `inline_code`
quote text so that it cannot end its quotation; `inactive` keeps Markdown readable without links,
images and HTML. A front that speaks another markup escapes that itself, after these. Secrets are
left to `tools.redaction`, which comes first: it needs the text as it was.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from markdown_it.token import Token

_UNUSUAL = re.compile(r"[^\n\t -~]")
# Printable by their category, and yet nothing to be seen: fillers, joiners, variation selectors.
_UNSEEN = re.compile(
    "[\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u2800\u3164\uffa0\ufff9-\uffff"
    "\U0001d173-\U0001d17a\U000e0000-\U000e0fff]"
)
_BACKTICKS = re.compile(r"`+")
_LANGUAGE = re.compile(r"[^A-Za-z0-9+#.-]")
# What Slack would act upon even in code: <!channel>, <@U123>, <#C123>, <https://…|text>.
_SLACK_CONTROL = re.compile(r"<(?=[!@#]\w|[A-Za-z][\w+.-]{1,30}:|[^<>|\n]{1,200}\|)")
_ACTIVE = re.compile(r"(\\*)([<\[\]])")
_ADDRESS = re.compile(r"\b(?:[A-Za-z][A-Za-z0-9+.-]{1,30}://|www\.|mailto:)[^\s`<>\[\]()\"'|\\]+")


def visible(text: str) -> str:
    """`text` with what is no plain character spelled out: `\\x1b`, `<U+202E>`.

    Line breaks, tabs and spaces of all widths stay; a Windows line break becomes one of ours. A
    second time changes nothing.
    """
    if text.isascii() and text.isprintable():
        return text
    return _UNUSUAL.sub(_spelled, text.replace("\r\n", "\n"))


def one_line(text: str) -> str:
    """`visible(text)` on one line, each run of blanks a single one."""
    return " ".join(visible(text).split())


def fenced(text: str, language: str = "") -> str:
    """`visible(text)` as a Markdown code block that nothing in it can end; no last line break."""
    content = visible(text)
    fence = "`" * max(3, _longest_run(content) + 1)
    body = content if content.endswith("\n") or not content else f"{content}\n"
    return f"{fence}{_LANGUAGE.sub('', language)}\n{body}{fence}"


def inline_code(text: str) -> str:
    """`one_line(text)` as a Markdown code span that nothing in it can end; empty for blank text."""
    content = one_line(text)
    if not content:
        return ""
    fence = "`" * (_longest_run(content) + 1)
    pad = " " if "`" in (content[0], content[-1]) else ""
    return f"{fence}{pad}{content}{pad}{fence}"


def inactive(markdown: str) -> str:
    """`visible(markdown)` without anything active: links, images, HTML, mentions become plain text.

    Where a link leads is shown as code. Headings, lists, emphasis, tables and code stay. Markdown
    that is too crooked to be sure of comes back as one code block.
    """
    text = _SLACK_CONTROL.sub("\u2039", visible(markdown))
    shown = "\n".join(line if is_code else _inactive_line(line) for line, is_code in _lines(text))
    return fenced(text) if _is_active(shown) else shown


def _spelled(match: re.Match[str]) -> str:
    character = match[0]
    code = ord(character)
    if code < 0x20 or 0x7F <= code <= 0x9F:
        return "\\r" if character == "\r" else f"\\x{code:02x}"
    is_seen = character.isprintable() or unicodedata.category(character) == "Zs"
    return character if is_seen and not _UNSEEN.match(character) else f"<U+{code:04X}>"


def _longest_run(text: str) -> int:
    return max(map(len, _BACKTICKS.findall(text)), default=0)


def _lines(markdown: str) -> Iterator[tuple[str, bool]]:
    """Each line, and whether it belongs to a block of code."""
    code = set[int]()
    for token in _parsed(markdown):
        if token.type in ("fence", "code_block") and token.map:
            code.update(range(*token.map))
    for number, line in enumerate(markdown.split("\n")):
        yield line, number in code


def _inactive_line(line: str) -> str:
    """A line of prose, its code spans untouched."""
    pieces: list[str] = []
    place = 0
    for begin, end in _code_spans(line):
        pieces.extend((_inactive_prose(line[place:begin]), line[begin:end]))
        place = end
    return "".join([*pieces, _inactive_prose(line[place:])])


def _code_spans(line: str) -> Iterator[tuple[int, int]]:
    """Where code spans begin and end: a run of backticks, and the next one of the same length."""
    runs = [match.span() for match in _BACKTICKS.finditer(line)]
    following: dict[int, int] = {}
    closing: list[int | None] = []
    for number in reversed(range(len(runs))):
        length = runs[number][1] - runs[number][0]
        closing.append(following.get(length))
        following[length] = number
    closing.reverse()
    number = 0
    while number < len(runs):
        last = closing[number]
        if last is not None:
            yield runs[number][0], runs[last][1]
            number = last
        number += 1


def _inactive_prose(text: str) -> str:
    pieces: list[str] = []
    place = 0
    for address in _ADDRESS.finditer(text):
        pieces.extend((_escaped(text[place : address.start()]), inline_code(address[0])))
        place = address.end()
    return "".join([*pieces, _escaped(text[place:])])


def _escaped(text: str) -> str:
    """`text` with a backslash before each sign that begins a link or a tag, unless there is one."""
    return _ACTIVE.sub(
        lambda match: match[0] if len(match[1]) % 2 else f"{match[1]}\\{match[2]}", text
    )


def _is_active(markdown: str) -> bool:
    return any(
        token.type.startswith(("link", "image", "html"))
        for block in _parsed(markdown)
        for token in (block, *(block.children or ()))
    )


def _parsed(markdown: str) -> list[Token]:
    from markdown_it import MarkdownIt

    return MarkdownIt("commonmark").enable("table").parse(markdown)
