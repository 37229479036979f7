"""Where a value begins and ends: quoted, also within strings within strings, or bare."""

from __future__ import annotations

import re
from dataclasses import dataclass
from urllib.parse import unquote

# A quote with the backslashes that it has in a string within a string.
_OPENING = re.compile(r"(?:[bBuUrRfF@]{0,2})(\\{0,31})([\"'])")
_BACKSLASHES = re.compile(r"\\*+(?=[\"'])")
# Nothing as long as this is a reference or a word. That bounds how far a value is looked ahead.
LONG_CHARS = 1024
_BARE = re.compile(rf"(?![,;&|)\]}}])[^\s\"'`<>]{{1,{LONG_CHARS}}}+")
_REST_OF_BARE = re.compile(r"[^\s\"'`<>]++")
# Where the next field begins: `&name=`, `;name=`, `,name:`, or a comma before a blank.
_NEXT_FIELD = re.compile(
    r"(?:[&;,|]|\\{1,4}[nrt])(?=[ ]?(?:\\{0,4}[\"'])?[A-Za-z_][\w. \-]{0,60}(?:\\{0,4}[\"'])?[=:])"
    r"|[;,]\Z|\\{1,4}[nrt\"']\Z|&&"
)
_OF_QUERY = re.compile(r"[^\s\"'`<>&#;)\]}|\\,]++")
_CLOSING = ",;:)]}.\\"


@dataclass(frozen=True, slots=True)
class Value:
    """The characters from `begin` up to `end`, without quotes; a reader goes on at `after`."""

    begin: int
    end: int
    after: int
    is_quoted: bool
    plain: str


def quoted_value(text: str, place: int, line_end: int) -> Value | None:
    """The quoted value that begins at `place`; None where there is no quote.

    One whose closing quote is not on its line was cut off, and reaches to the line's end.
    """
    opening = _OPENING.match(text, place, line_end)
    if opening is None:
        return None
    depth, quote = len(opening[1]), opening[2]
    end, after = _closing(text, opening.end(), line_end, depth, quote)
    return Value(opening.end(), end, after, True, _unescaped(text[opening.end() : end], depth))


def _closing(text: str, begin: int, line_end: int, depth: int, quote: str) -> tuple[int, int]:
    """Where the content ends, and what follows its closing quote begins.

    Within `depth` backslashes, a quote closes with just as many; more of them are escapes inside,
    and fewer close a string around it.
    """
    place = text.find(quote, begin, line_end)
    while place >= 0:
        start = place
        while start > begin and text[start - 1] == "\\":
            start -= 1
        count = place - start
        if count < depth or count % (2 * (depth + 1)) == depth:
            return place - min(count, depth), place + 1
        place = text.find(quote, place + 1, line_end)
    return line_end, line_end


def _unescaped(value: str, depth: int) -> str:
    """`value` without the escapes of the strings that it stands in."""
    levels = depth.bit_length() + 1
    for _ in range(levels):
        if "\\" not in value:
            break
        value = re.sub(r"\\(.)", r"\1", value)
    return value


def bare_value(text: str, place: int, line_end: int) -> Value:
    """The value that begins at `place` without a quote: up to a blank, quote or next field."""
    found = _BARE.match(text, place, line_end)
    if found is None:
        return Value(place, place, place, False, "")
    cut = _NEXT_FIELD.search(found[0])
    if cut is None and len(found[0]) == LONG_CHARS:
        found = _REST_OF_BARE.match(text, place, line_end) or found
    return _trimmed(text, place, place + cut.start() if cut else found.end())


def query_value(text: str, place: int, line_end: int) -> Value:
    """The value of a parameter in an address; `plain` is what its escapes stand for."""
    found = _OF_QUERY.match(text, place, line_end)
    if found is None:
        return Value(place, place, place, False, "")
    value = _trimmed(text, place, found.end())
    return Value(value.begin, value.end, value.after, False, unquote(value.plain))


def word_value(text: str, place: int, line_end: int) -> Value:
    """The value at `place` up to the next blank, whatever it holds (a line of an environment)."""
    end = place
    while end < line_end and not text[end].isspace():
        end += 1
    return Value(place, end, end, False, text[place:end])


def _trimmed(text: str, begin: int, end: int) -> Value:
    """Without the punctuation of the sentence or structure around it."""
    plain = text[begin:end].rstrip(_CLOSING)
    return Value(begin, begin + len(plain), end, False, plain)
