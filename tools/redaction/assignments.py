"""Names with their values: logfmt, JSON (also within strings), YAML, INI, shell, queries, XML.

One reader for all of them, because logs mix them within a line: a name, what joins it to its value,
and the value, whose end depends on what stands around. `names` says whether the name is one of a
secret, `values` whether the value may be one.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from tools.redaction.names import NameKind, kind_in_query, kind_of_name
from tools.redaction.quoting import (
    LONG_CHARS,
    Value,
    bare_value,
    query_value,
    quoted_value,
    word_value,
)
from tools.redaction.secret import Secret
from tools.redaction.values import is_code, is_stand_in, is_word, looks_random
from tools.redaction.words import words

_ASSIGNMENT = re.compile(
    r"(?P<first>\b(?:api|secret|access|private|account|shared|signing|encryption|client|auth|bearer"
    r"|session|master|refresh|primary|secondary)[ ])?"
    r"(?<![\w.\-])(?P<name>[\w.\-]++)(?P<quote>\\{0,31}[\"'`])?\]?"
    r"(?P<joint>[ \t]{0,40}+(?:=>|:=|={1,3}|!=|:(?!:)|\||>)[ \t]{0,40}+)",
    re.IGNORECASE,
)
_LIST = re.compile(r"\[(?=\S)")
# What stands between the name and the value of `name: DB_PASSWORD` and `value: …` on the next line.
_ITS_VALUE = re.compile(
    r"[\"'\\]{0,8},?\s{0,80}[\"'\\]{0,8}value[\"'\\]{0,8}[ \t]{0,8}[:=][ \t]{0,8}", re.IGNORECASE
)
_NAMING = words(
    """
    name key env variable parameter parametername parameterkey
    """
)
_TAG = re.compile(r"!!(?:str|binary)[ \t]{1,8}")
_ELEMENT_TEXT = re.compile(r"[^<>\n]{1,4096}(?=</)")
_LINE_START = re.compile(
    r"[\s>\-*+|#{(\[\"'\\,]*(?:export |set |ENV |ARG |declare -x |Environment=|[<>*] )?[\"']?", re.I
)
_REST = re.compile(r"[ \t]*(?:[\"'\\}\]),;]*[ \t]*\Z|[ \t]#)")


def find_assignments(text: str) -> Iterator[Secret]:
    """The values in `text` that are secret by the name before them."""
    place, line_end = 0, -1
    while match := _ASSIGNMENT.search(text, place):
        name = f"{match['first'] or ''}{match['name']}"
        place = match.end()
        if place > line_end:
            line_end = _line_end(text, place)
        if name.lower() in _NAMING:
            found = _named_value(text, place, line_end)
        else:
            is_query = text[match.start() - 1 : match.start()] in ("?", "&")
            kind = kind_in_query(name) if is_query else kind_of_name(name)
            found = None if kind is NameKind.NONE else _value(text, match, line_end, kind)
        if found is not None:
            value, is_secret = found
            if is_secret or value.end - value.begin >= LONG_CHARS:
                # What is no secret itself may hold one: `token: password=x`.
                place = max(place, value.after)
            if is_secret:
                yield Secret(value.begin, value.end, value.plain)


def is_secret_value(name: str, value: str) -> bool:
    """Whether `value` as a whole is secret by its `name`, as in a mapping."""
    kind = kind_of_name(name)
    return kind is not NameKind.NONE and _is_secret_string(value, kind)


def _value(
    text: str, match: re.Match[str], line_end: int, kind: NameKind
) -> tuple[Value, bool] | None:
    """The value behind a name, and whether it is secret; None where there is none to look at."""
    begin = match.end()
    joint = match["joint"].strip()
    if joint == ">":
        return _element(text, begin, kind)
    if joint == "|" and not (match["joint"].startswith(" ") and match["joint"].endswith(" ")):
        return None
    if tag := _TAG.match(text, begin, line_end):
        begin = tag.end()
    if match["name"].endswith("PWD") and text.startswith("/", begin):
        return None  # the folder that a shell is in
    if joint == "=" and text[begin : begin + 1] == text[match.start() - 1 : match.start()] != "":
        return None  # the quote that closes "--password="
    if opening := _LIST.match(text, begin, line_end):
        begin = opening.end()
    quoted = quoted_value(text, begin, line_end)
    if quoted is not None:
        return quoted, _is_secret_string(quoted.plain, kind)
    if joint in ("==", "===", "!="):
        return None
    return _bare(text, match, begin, line_end, kind)


def _element(text: str, begin: int, kind: NameKind) -> tuple[Value, bool] | None:
    found = _ELEMENT_TEXT.match(text, begin)
    if found is None:
        return None
    value = Value(begin, found.end(), found.end(), True, found[0])
    return value, _is_secret_string(found[0], kind)


def _is_secret_string(plain: str, kind: NameKind) -> bool:
    if is_stand_in(plain):
        return False
    if kind is NameKind.HINT:
        return looks_random(plain)
    return not (is_word(plain) and not any(c.isdigit() for c in plain))


def _bare(
    text: str, match: re.Match[str], begin: int, line_end: int, kind: NameKind
) -> tuple[Value, bool] | None:
    joint = match["joint"]
    before = text[match.start() - 1 : match.start()]
    if before in ("?", "&") and joint == "=":
        value = query_value(text, begin, line_end)
        return value, _is_secret_string(value.plain, kind)
    is_first = _is_first_on_line(text, match.start())
    if is_first and joint == "=" and match["name"].isupper():
        value = word_value(text, begin, line_end)
        return value, _is_secret_string(value.plain, kind)
    value = bare_value(text, begin, line_end)
    if joint in ("=", ":") or kind is NameKind.HINT:
        return value, _is_secret_word(value.plain, kind)
    return _loose(text, value, line_end, is_first, joint)


def _is_secret_word(plain: str, kind: NameKind) -> bool:
    """Whether the word behind `name=` is secret."""
    if len(plain) >= LONG_CHARS:
        return True
    if kind is NameKind.HINT:
        return looks_random(plain)
    return not (is_stand_in(plain) or is_word(plain) or is_code(plain))


def _loose(
    text: str, value: Value, line_end: int, is_first: bool, joint: str
) -> tuple[Value, bool]:
    """A value apart from its name by blanks: of a settings file, of a header, or just of prose."""
    plain = value.plain
    if len(plain) >= LONG_CHARS:
        return value, True
    is_last = bool(_REST.match(text, value.end, line_end))
    if "|" in joint or ">" in joint:
        return value, looks_random(plain)
    if is_stand_in(plain) or is_word(plain) or is_code(plain):
        return value, False
    if is_last:
        return value, True
    if is_first and _is_phrase(text[value.begin : line_end]):
        end = value.begin + len(text[value.begin : line_end].rstrip())
        return Value(value.begin, end, line_end, False, text[value.begin : end]), True
    ends_field = text[value.end : value.end + 1] in (",", ";", '"', "'", "}", ")")
    return value, ends_field or _has_figures(plain)


def _is_phrase(rest: str) -> bool:
    """Whether `rest` is a pass phrase of some words, and no sentence about one."""
    parts = rest.split(" #")[0].split()
    return len(parts) <= 8 and not any(
        is_word(part) or is_code(part) or part[-1] in ",;:.)" or "=" in part for part in parts
    )


def _has_figures(plain: str) -> bool:
    return len(plain) >= 6 and any(c.isdigit() for c in plain) and any(c.isalpha() for c in plain)


def _is_first_on_line(text: str, place: int) -> bool:
    start = max(text.rfind("\n", 0, place) + 1, place - 60)
    return bool(_LINE_START.fullmatch(text, start, place)) and (
        start == 0 or text[start - 1] == "\n"
    )


def _line_end(text: str, place: int) -> int:
    end = text.find("\n", place)
    return len(text) if end < 0 else end


def _named_value(text: str, place: int, line_end: int) -> tuple[Value, bool] | None:
    """The value of a pair of `name: DB_PASSWORD` and `value: …`."""
    name = quoted_value(text, place, line_end) or bare_value(text, place, line_end)
    kind = kind_of_name(name.plain) if len(name.plain) <= 200 else NameKind.NONE
    if kind is NameKind.NONE:
        return None
    joint = _ITS_VALUE.match(text, name.end)
    if joint is None:
        return None
    if joint.end() > line_end:
        line_end = _line_end(text, joint.end())
    value = quoted_value(text, joint.end(), line_end) or word_value(text, joint.end(), line_end)
    return value, _is_secret_string(value.plain, kind)
