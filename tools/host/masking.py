"""Hides secrets in command lines: what follows `--password`, `token=`, `user:` in an address, …

Rather too much is hidden than too little; a secret in a place of its own making stays visible.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import PurePosixPath

MASK = "****"

_SECRET = (
    r"(?:pass(?:word|wd|phrase|code)?|pwd|secret|token|credential|cookie|auth(?!or)|bearer"
    r"|(?:api|access|account|private|session|encryption|signing)[-_.]?key)"
)
# Names of files that hold secrets are none themselves.
_NO_FILE = r"(?![\w.-]*[-_.](?:file|path|dir)\b)"
_NAME = rf"{_NO_FILE}[\w.-]*{_SECRET}[\w.-]*"
_FLAG = re.compile(rf"-{{1,2}}{_NAME}", re.IGNORECASE)
_WHOLE_VALUE = re.compile(rf"(-{{0,2}}{_NAME}=)(?s:.+)", re.IGNORECASE)
_HEADER = re.compile(r"((?:proxy-)?authorization|x-[\w-]*(?:key|token))(\s*:\s*).+", re.IGNORECASE)
_INSIDE = (
    # key=value and "key": "value", in connection strings, queries and JSON
    (re.compile(rf"(\b{_NAME}[\"']?\s*[=:]\s*[\"']?)([^\s\"'&;,]+)", re.IGNORECASE), rf"\1{MASK}"),
    (re.compile(rf"(--?{_NAME}\s+)([^\s-]\S*)", re.IGNORECASE), rf"\1{MASK}"),
    # scheme://user:password@host and scheme://token@host
    (re.compile(r"(\b[\w+.-]+://[^\s/:@]*:)[^\s/@]+@"), rf"\1{MASK}@"),
    (re.compile(r"(\b[\w+.-]+://)[^\s/:@]{16,}@"), rf"\1{MASK}@"),
    # the shapes of well-known tokens
    (
        re.compile(
            r"\b(?:AKIA[0-9A-Z]{16}|gh[pousr]_\w{20,}|glpat-[\w-]{20,}|xox[abprs]-[\w-]{10,}"
            r"|sk-[\w-]{20,}|eyJ[\w-]{10,}\.[\w-]+\.[\w-]*)"
        ),
        MASK,
    ),
)
# Short options whose value, joined or next, is a secret in these programs only.
_SHORT: tuple[tuple[re.Pattern[str], str], ...] = (
    (re.compile(r"mysql\w*|mariadb[\w-]*|mongo\w*|sshpass|rabbitmqadmin"), "-p"),
    (re.compile(r"redis-cli|valkey-cli"), "-a"),
    (re.compile(r"ldap\w+"), "-w"),
    (re.compile(r"sqlcmd|bcp"), "-P"),
)
_USER_FLAGS = frozenset(("-u", "--user", "-U", "--proxy-user"))


def masked_command(arguments: Sequence[str]) -> str:
    """The command line as one line of text, without the secrets that can be recognised."""
    if not arguments:
        return ""
    short = _short_option(arguments[0])
    shown: list[str] = []
    for before, argument in zip(("", *arguments), arguments, strict=False):
        shown.append(_masked(argument, before, short))
    return " ".join(" ".join(shown).split())


def _short_option(program: str) -> str:
    name = PurePosixPath(program).name
    return next((option for pattern, option in _SHORT if pattern.fullmatch(name)), "")


def _masked(argument: str, before: str, short: str) -> str:
    is_value = not argument.startswith("--")
    if is_value and (_FLAG.fullmatch(before) or (short and before == short)):
        return MASK
    if short and argument.startswith(short) and argument != short:
        return f"{short}{MASK}"
    if before in _USER_FLAGS and ":" in argument:
        return f"{argument.partition(':')[0]}:{MASK}"
    if found := _WHOLE_VALUE.fullmatch(argument):
        return f"{found[1]}{MASK}"
    return _masked_inside(argument)


def _masked_inside(text: str) -> str:
    text = _HEADER.sub(rf"\1\2{MASK}", text)
    for pattern, replacement in _INSIDE:
        text = pattern.sub(replacement, text)
    return text
