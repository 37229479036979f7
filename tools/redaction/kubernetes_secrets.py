"""Secrets of Kubernetes and YAML's blocks: values whose meaning only the lines around them tell."""

from __future__ import annotations

import base64
import re
from binascii import Error
from collections.abc import Iterator, Sequence

from tools.redaction.names import NameKind, kind_of_name
from tools.redaction.secret import Secret
from tools.redaction.values import is_stand_in

_KIND = re.compile(r"^([ ]*)(?:- )?kind:[ ]*[\"']?Secret[\"']?[ \t\r]*$", re.MULTILINE)
_DATA = re.compile(r"(?:- )?(?:data|stringData):[ \t\r]*")
_ENTRY = re.compile(r"[ ]+[\"']?[\w.\-]+[\"']?:[ \t]+([\"']?)(\S.*?)\1[ \t\r]*")
_BLOCK = re.compile(r"^([ ]*)(?:- )?[\"']?([\w.\-]+)[\"']?:[ ]*[|>][+-]?\d?[ \t\r]*$", re.MULTILINE)
_JSON_KIND = re.compile(r"\\{0,7}\"kind\\{0,7}\"\s{0,8}:\s{0,8}\\{0,7}\"Secret\\{0,7}\"")
_JSON_DATA = re.compile(
    r"\\{0,7}\"(?:data|stringData)\\{0,7}\"\s{0,8}:\s{0,8}\{([^{}]{0,65536}+)\}"
)
_JSON_VALUE = re.compile(r":\s{0,8}(\\{0,7})\"([^\"\\]{1,65536}+)\1\"")


def find_kubernetes_secrets(text: str) -> Iterator[Secret]:
    """The values of Kubernetes' Secrets in `text`, as YAML or JSON; their keys stay."""
    if "Secret" not in text:
        return
    if _KIND.search(text):
        yield from _in_yaml(text)
    if _JSON_KIND.search(text):
        for data in _JSON_DATA.finditer(text):
            for match in _JSON_VALUE.finditer(text, *data.span(1)):
                yield from _value(match[2], match.start(2))


def find_yaml_blocks(text: str) -> Iterator[Secret]:
    """The blocks of lines (`password: |`) in `text` that are secret by their name."""
    for match in _BLOCK.finditer(text):
        if kind_of_name(match[2]) is NameKind.SURE:
            end = _block_end(text, match.end() + 1, len(match[1]))
            begin = match.end() + 1
            begin += len(text[begin:end]) - len(text[begin:end].lstrip())
            if begin < end:
                yield Secret(begin, end, text[begin:end])


def _block_end(text: str, place: int, indent: int) -> int:
    """Where the lines from `place` on end that are indented by more than `indent`."""
    end = place
    while place < len(text):
        stop = text.find("\n", place)
        stop = len(text) if stop < 0 else stop
        line = text[place:stop]
        if line.strip() and len(line) - len(line.lstrip(" ")) <= indent:
            break
        end = stop if line.strip() else end
        place = stop + 1
    return max(end, 0)


def _in_yaml(text: str) -> Iterator[Secret]:
    lines = text.split("\n")
    starts = [0]
    for line in lines:
        starts.append(starts[-1] + len(line) + 1)
    seen = -1
    for number, line in enumerate(lines):
        if number > seen and _KIND.match(line):
            first, seen = _object_around(lines, number, _column(line))
            yield from _data_of(lines, starts, range(first, seen + 1), _column(line))


def _column(line: str) -> int:
    """Where the key begins, behind a list's dash."""
    return len(line) - len(line.lstrip(" -"))


def _object_around(lines: Sequence[str], number: int, column: int) -> tuple[int, int]:
    """The first and last line of the mapping whose keys begin at `column`."""
    first = number
    while (
        first and not lines[first].lstrip().startswith("- ") and _belongs(lines[first - 1], column)
    ):
        first -= 1
    last = number
    while last + 1 < len(lines) and _belongs(lines[last + 1], column, is_dash_within=False):
        last += 1
    return first, last


def _belongs(line: str, column: int, is_dash_within: bool = True) -> bool:
    if line.startswith(("---", "...")):
        return False
    indent = len(line) - len(line.lstrip(" "))
    starts_item = line.lstrip().startswith("- ") and indent + 2 == column
    return not line.strip() or indent >= column or (is_dash_within and starts_item)


def _data_of(
    lines: Sequence[str], starts: Sequence[int], numbers: range, column: int
) -> Iterator[Secret]:
    is_data = False
    for number in numbers:
        line = lines[number]
        if _column(line) == column and line.strip():
            is_data = bool(_DATA.fullmatch(line.strip()))
        elif is_data:
            entry = _ENTRY.fullmatch(line)
            text = entry[2] if entry else line.strip()
            begin = entry.start(2) if entry else len(line) - len(line.lstrip())
            if not entry or not re.fullmatch(r"[|>][+-]?\d?", text):
                yield from _value(text, starts[number] + begin)


def _value(text: str, begin: int) -> Iterator[Secret]:
    if not is_stand_in(text) and not text.endswith(" bytes"):
        yield Secret(begin, begin + len(text), _decoded(text))


def _decoded(text: str) -> str:
    """What the base64 of a Secret stands for, so that it is known in other places."""
    try:
        return base64.b64decode(text, validate=True).decode()
    except (Error, UnicodeDecodeError):
        return text
