"""A configuration as directives, whole or a piece of one, with lines that are those of the code."""

from __future__ import annotations

import difflib
import re
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tools.code.report import Problem

TOOL = "crossplane"
_MAX_ERRORS = 30
# What stands around a piece, on the line that the piece begins on.
_IN_HTTP = ("events {} http { ", "\n}")
_IN_SERVER = ("events {} http { server { ", "\n}}")
_IN_LOCATION = ("events {} http { server { location / { ", "\n}}}")
_MAIN = ("events", "http", "stream", "mail", "worker_processes", "user", "pid", "load_module")
_OF_HTTP = (
    "server",
    "upstream",
    "map",
    "geo",
    "limit_req_zone",
    "limit_conn_zone",
    "log_format",
    "proxy_cache_path",
    "split_clients",
)
_OF_SERVER = ("location", "listen", "server_name")
# Directives that are newer than its table, or of modules that many builds have.
_NEWER = re.compile(
    r"http2|http3\w*|quic_\w+|auth_delay|js_\w+|proxy_ssl_alpn|ssl_reject_handshake|ssl_conf_command|"
    r"keepalive_time|\w*brotli\w*|more_\w+headers|\w+_by_lua\w*|lua_\w+|geoip2"
)
# Blocks whose entries are values, and no directives.
_OF_VALUES = ("map", "geo", "types", "split_clients", "charset_map", "match", "geoip2")


@dataclass(frozen=True)
class Directive:
    """One directive: its `name`, its arguments, those inside it, and those around it outwards."""

    name: str
    args: tuple[str, ...]
    line: int
    block: tuple[Directive, ...]
    has_block: bool

    def find(self, *names: str) -> list[Directive]:
        """The directives of these names right inside it."""
        return [one for one in self.block if one.name in names]

    def below(self) -> Iterator[Directive]:
        """Those inside it, at any depth."""
        for one in self.block:
            yield one
            yield from one.below()


@dataclass(frozen=True)
class Configuration:
    """The parsed code: `root` holds the outermost directives; `is_whole` when it has its `http`."""

    root: Directive
    problems: tuple[Problem, ...]
    is_whole: bool


def read_configuration(code: str) -> Configuration:
    """The directives of `code` with what does not parse; no file but the code is read."""
    before, after = _frame(code)
    payload = _parsed(before + code + after)
    found = tuple(_directive(one) for one in payload["config"][0]["parsed"])
    root = Directive("", (), 1, found, True)
    problems = (*_problems(payload["errors"], code), *_unknown(root), *_open_end(code))
    return Configuration(root, problems[:_MAX_ERRORS], not before)


def _frame(code: str) -> tuple[str, str]:
    """What a piece needs around it, told by its own outermost directives."""
    names = _outermost(code)
    if not names or names & set(_MAIN):
        return "", ""
    if names & set(_OF_HTTP):
        return _IN_HTTP
    return _IN_SERVER if names & set(_OF_SERVER) else _IN_LOCATION


def _outermost(code: str) -> set[str]:
    """The first words of what stands outside of every block."""
    plain = re.sub(r"#[^\n]*", "", code)
    names, depth, statement = set(), 0, ""
    for character in plain:
        if character in "{};":
            words = statement.split()
            if depth == 0 and words and character != "}":
                names.add(words[0])
            depth += {"{": 1, "}": -1}.get(character, 0)
            statement = ""
        else:
            statement += character
    return names


def _parsed(text: str) -> Mapping[str, Any]:
    import crossplane  # type: ignore[import-untyped]

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "nginx.conf"
        path.write_text(text, errors="replace")
        payload: Mapping[str, Any] = crossplane.parse(str(path), single=True)
    return payload


def _problems(errors: Sequence[Mapping[str, Any]], code: str) -> Iterator[Problem]:
    last = code.count("\n") + 1
    for error in errors:
        message = re.sub(r" in \S+:\d+$", "", str(error["error"]))
        line = min(int(error["line"] or last), last)
        yield Problem(line, None, "error", "syntax", message, TOOL, _fix(message))


def _open_end(code: str) -> Iterator[Problem]:
    """Words at the end that no `;` makes a directive, which the parser leaves out unsaid."""
    plain = re.sub(r"(^|\s)#[^\n]*", "", code).rstrip()
    if not plain.endswith((";", "}")):
        message = "the last directive is not terminated"
        line = plain.count("\n") + 1
        yield Problem(line, None, "error", "syntax", message, TOOL, "end it with ;")


def _unknown(root: Directive) -> Iterator[Problem]:
    """Directives of no name that is known; the entries of a `map` have names of their own."""
    from crossplane.analyzer import DIRECTIVES  # type: ignore[import-untyped]

    for one in root.block:
        if one.name not in DIRECTIVES and not _NEWER.fullmatch(one.name):
            message = f'unknown directive "{one.name}"'
            near = difflib.get_close_matches(one.name, DIRECTIVES, n=1, cutoff=0.75)
            yield Problem(one.line, None, "error", "syntax", message, TOOL, near[0] if near else "")
        if one.name not in _OF_VALUES:
            yield from _unknown(one)


def _fix(message: str) -> str:
    if "not terminated by" in message:
        return "end it with ;"
    if "unexpected end of file" in message or 'unexpected "}"' in message:
        return "count the { and }"
    return "a ; may be missing before it" if "invalid number of arguments" in message else ""


def _directive(one: Mapping[str, Any]) -> Directive:
    inside = tuple(_directive(part) for part in one.get("block", ()))
    return Directive(one["directive"], tuple(one["args"]), int(one["line"]), inside, "block" in one)
