"""Secrets given to a program: `--password x`, `mysql -px`, `curl -u user:x`, SQL, netrc."""

from __future__ import annotations

import re
from collections.abc import Iterator

from tools.redaction.names import NameKind, kind_of_name
from tools.redaction.secret import Secret
from tools.redaction.values import is_code, is_stand_in, is_word, looks_random

_VALUE = (
    r"(?:\\{0,7}(?P<quote>[\"'])(?P<quoted>[^\"'\n]{1,1024}?)\\{0,7}(?P=quote)"
    r"|(?P<bare>[^\s\"'`<>|;&]++))"
)
# Also as a list of arguments: "--password", "x".
_FLAG = re.compile(
    rf"(?<![\w\-])--?(?P<name>[A-Za-z][\w.\-]*+)(?:[ \t]++|\\{{0,7}}[\"'],[ ]?)(?!-){_VALUE}"
)
_AFTER_FLAG = re.compile(r"\s*(?:$|-|[|;&)\\\"'`\]}>]|\S*[/=:.]|\S+$)", re.MULTILINE)
_SPAN = r"[^\n|;]{0,200}?[ \t]"
_SHORT = (
    re.compile(rf"\b(?:mysql\w{{0,10}}|mariadb[\w-]{{0,10}})\b{_SPAN}-p{_VALUE}"),
    re.compile(rf"\b(?:sshpass|mongo\w{{0,10}}|rabbitmqadmin)\b{_SPAN}-p[ ]?{_VALUE}"),
    re.compile(rf"\b(?:redis-cli|valkey-cli)\b{_SPAN}-a[ ]{_VALUE}"),
    re.compile(rf"\bldap[a-z]{{3,10}}\b{_SPAN}-w[ ]{_VALUE}"),
    re.compile(rf"\b(?:sqlcmd|bcp)\b{_SPAN}-P[ ]?{_VALUE}"),
    re.compile(
        rf"\b(?:docker|podman|helm registry|az)\b[^\n|;]{{0,80}}?\blogin\b{_SPAN}-p[ ]{_VALUE}"
    ),
)
_MARKS = (
    "mysql",
    "mariadb",
    "sshpass",
    "mongo",
    "rabbitmqadmin",
    "-cli",
    "ldap",
    "sqlcmd",
    "bcp",
    "login",
)
_USER = re.compile(
    r"(?:\bcurl\b(?:[^\n|;]|\\\n){0,200}?[ ](?:-u|--user|-U)|(?<![\w\-])(?:--proxy-user|--creds?))"
    r"(?:[ \t]++|=|[\"'],[ ]?)[\"']?"
    r"(?P<user>[^\s\"':/@]{1,128}+):(?P<bare>[^\s\"'`]{1,512}+)"
)
_STATEMENT = re.compile(
    r"(?i:\bidentified\s{1,8}(?:with\s{1,8}\S{1,64}+\s{1,8})?(?:by|as)\s{1,8}(?:password\s{1,8})?"
    r"|\b(?:with|encrypted|set|user|role)\s{1,8}(?:\S{1,64}+\s{1,8}){0,4}?password\s{1,8}"
    r"|\bpassword\s{0,4}\(\s{0,4})(?P<quote>\\{0,3}['\"])(?P<quoted>[^'\"\n]{1,512}?)(?P=quote)"
)
_DIRECTIVE = re.compile(
    r"(?im:^[\s>]{0,40}(?:requirepass|masterauth)[ ]{1,8}\"?"
    r"|(?-i:\blogin[ ]\S{1,128}+\s{1,20}password[ ]{1,8}))(?P<bare>[^\s\"]{1,512}+)"
)
# Redis and SMTP.
_AUTH = re.compile(r"(?m)^[\s>\"]{0,40}AUTH[ ](?:[\w-]{1,40}[ ])?\"?(?P<bare>[^\s\"]{1,512}+)\"?$")


def find_in_commands(text: str) -> Iterator[Secret]:
    """The values in `text` that are secret by the option or statement they are given to."""
    if "-" in text:
        for match in _FLAG.finditer(text):
            if _is_secret_flag(text, match):
                yield _secret(match)
        for match in _USER.finditer(text):
            if not is_stand_in(match["bare"]) and not match["bare"].isdigit():
                yield Secret(*match.span("bare"), match["bare"])
        if any(mark in text for mark in _MARKS):
            yield from _short_options(text)
    lowered = text.lower()
    if "password" in lowered or "identified" in lowered:
        for match in _STATEMENT.finditer(text):
            if not is_stand_in(match["quoted"]):
                yield Secret(*match.span("quoted"), match["quoted"])
    if any(word in lowered for word in ("requirepass", "masterauth", "login ")):
        for match in _DIRECTIVE.finditer(text):
            if not (is_stand_in(match["bare"]) or is_word(match["bare"])):
                yield Secret(*match.span("bare"), match["bare"])
    if "AUTH " in text:
        for match in _AUTH.finditer(text):
            if looks_random(match["bare"]):
                yield Secret(*match.span("bare"), match["bare"])


def _short_options(text: str) -> Iterator[Secret]:
    for pattern in _SHORT:
        for match in pattern.finditer(text):
            value = match["quoted"] or match["bare"]
            if not is_stand_in(value) and not value.startswith("-"):
                yield _secret(match)


def _is_secret_flag(text: str, match: re.Match[str]) -> bool:
    kind = kind_of_name(match["name"])
    value = match["quoted"] or match["bare"]
    if kind is NameKind.NONE or is_stand_in(value):
        return False
    if kind is NameKind.HINT and match["bare"]:
        return looks_random(value)
    if match["quoted"]:
        return True
    is_prose = is_word(value) or is_code(value)
    is_plain = value.isalpha() and value.islower() and not _AFTER_FLAG.match(text, match.end())
    return not (is_prose or is_plain)


def _secret(match: re.Match[str]) -> Secret:
    group = "quoted" if match["quoted"] else "bare"
    return Secret(*match.span(group), match[group])
