"""Secrets known by their own form, wherever they stand: tokens with a prefix, JWTs, hashes.

A form is taken up only when nothing else is written like it: no word, digest, UUID or request id
may match. `kind_of` gives the same name to a token that was found by its place.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Iterator
from typing import NamedTuple

from tools.redaction.secret import COVER, Secret
from tools.redaction.values import is_stand_in


class Form(NamedTuple):
    """Texts that hold one of `marks` may match `pattern`; its group 1, if it has one, is secret."""

    kind: str
    marks: tuple[str, ...]
    pattern: re.Pattern[str]


# No part of a longer word, nor beside what is replaced already: that was part of it once.
_EDGE = f"[A-Za-z0-9{COVER}]"


def _form(kind: str, marks: str, pattern: str) -> Form:
    bounded = re.compile(rf"(?<!{_EDGE})(?:{pattern})(?!{_EDGE})", re.ASCII)
    return Form(kind, tuple(marks.split()), bounded)


_CRYPT = (
    r"\$2[abxy]\$\d\d\$[./A-Za-z0-9]{53}(?![A-Za-z0-9])"
    r"|\$(?:[156]|apr1|sha1|md5)\$(?:rounds=\d{1,9}\$)?[./\w-]{1,32}\$[./\w]{20,}+"
    r"|\$(?:y|gy|7)\$[./\w]{1,20}\$[./\w]{1,100}\$[./\w]{40,}+"
    r"|\$argon2(?:id|i|d)\$[\w=,$+/.]{30,}+"
    r"|\$pbkdf2(?:-\w{1,10})?\$[\w=,$+/.]{30,}+"
)

FORMS = (
    _form("aws-key", "AKIA ASIA", r"A[KS]IA[A-Z2-7]{16}"),
    _form(
        "github-token",
        "ghp_ gho_ ghu_ ghs_ ghr_ github_pat_",
        r"gh[pousr]_[A-Za-z0-9]{20,}+|github_pat_\w{22,}+",
    ),
    _form(
        "gitlab-token",
        "glpat- gldt- glrt- glptt- glcbt- glft- glsoat- glagent- gloas-",
        r"gl(?:pat|dt|rt|ptt|cbt|ft|soat|agent|oas)-[\w.-]{16,}+",
    ),
    _form("slack-token", "xox xapp-", r"xox[a-z](?:\.xox[a-z])?-[\w-]{10,}+|xapp-\d-[\w-]{10,}+"),
    _form("webhook", "hooks.slack.com/", r"hooks\.slack\.com/\w{1,20}/([\w/]{20,}+)"),
    _form("webhook", "/api/webhooks/", r"discord(?:app)?\.com/api/webhooks/(\d{1,30}/[\w-]{20,}+)"),
    _form(
        "stripe-key",
        "k_live_ k_test_ whsec_",
        r"[spr]k_(?:live|test)_[A-Za-z0-9]{10,}+|whsec_[A-Za-z0-9+/=]{16,}+",
    ),
    _form("npm-token", "npm_", r"npm_[A-Za-z0-9]{36}"),
    _form("pypi-token", "pypi-", r"pypi-A[\w-]{40,}+"),
    _form(
        "api-key",
        "sk-",
        r"sk-(?:proj|ant|svcacct|admin|or|lf)-[\w-]{16,}+|sk-(?=[A-Za-z]{0,60}+\d)[A-Za-z0-9]{20,}+",
    ),
    _form("hugging-face-token", "hf_", r"hf_[A-Za-z0-9]{30,}+"),
    _form(
        "google-key",
        "AIza ya29. GOCSPX-",
        r"AIza[\w-]{35}|ya29\.[\w.-]{20,}+|GOCSPX-[\w-]{20,}+",
    ),
    _form("azure-secret", "Q~", r"[\w~.-]{3}\dQ~[\w~.-]{31,34}"),
    _form("sendgrid-key", "SG.", r"SG\.[\w-]{16,64}+\.[\w-]{16,}+"),
    _form("vault-token", "hvs. hvb. hvr.", r"hv[sbr]\.[\w-]{20,}+"),
    _form("api-token", "_v1_", r"do[opr]_v1_[a-f0-9]{40,}+"),
    _form("api-token", "shp", r"shp(?:at|ca|pa|ss)_[a-fA-F0-9]{32}"),
    _form("api-token", "dapi", r"dapi[a-f0-9]{32}(?:-\d)?"),
    _form("api-token", "glsa_ glc_", r"gl(?:sa|c)_[A-Za-z0-9+/=_]{30,}+"),
    _form("api-token", "dckr_", r"dckr_(?:pat|oat)_[\w-]{20,}+"),
    _form("api-token", "NRAK-", r"NRAK-[A-Z0-9]{27}"),
    _form("api-token", "ATATT3", r"ATATT3[\w=-]{60,}+"),
    _form("api-token", ".atlasv1.", r"[A-Za-z0-9]{14}\.atlasv1\.[\w-]{60,}+"),
    _form("api-token", ":AA", r"\d{8,10}:AA[\w-]{32,34}(?![\w-])"),
    _form("private-key", "AGE-SECRET-KEY-", r"AGE-SECRET-KEY-1[0-9A-Z]{58}"),
    _form("jwt", "eyJ", r"eyJ[\w-]{5,2048}+\.[\w-]{4,}+(?:\.[\w-]{0,}+){0,3}"),
    Form(
        "",
        ("sessionid=", "SESSIONID=", "PHPSESSID="),
        re.compile(r"(?i:jsessionid|phpsessid)=([\w.!-]{16,}+)"),
    ),
    Form("hash", ("$",), re.compile(rf"(?:{_CRYPT})", re.ASCII)),
    Form(
        "hash",
        ("SHA}", "SHA256}", "SHA512}", "MD5}"),
        re.compile(r"\{S?(?:SHA|MD5)(?:256|384|512)?\}[A-Za-z0-9+/=]{20,}+"),
    ),
    _form(
        "hash", "pbkdf2_ SCRAM-SHA-", r"pbkdf2_\w{1,10}\$\d{1,9}\$[\w+/=]{1,100}+\$[\w+/=]{20,}+"
    ),
    _form("hash", "SCRAM-SHA-", r"SCRAM-SHA-\d{1,3}\$\d{1,9}:[\w+/=]{1,100}+\$[\w+/=:]{20,}+"),
)
_BY_MARK = tuple((mark, form) for form in FORMS for mark in form.marks)
# A PEM block that stands in base64 a second time, as in a kubeconfig.
_ENCODED_PEM = re.compile(r"LS0tLS1CRUdJTi[A-Za-z0-9+/]{20,65536}={0,2}")


def find_forms(text: str) -> Iterator[Secret]:
    """The secrets in `text` that their own form gives away, some of them more than once."""
    for mark, form in _BY_MARK:
        if mark in text:
            for match in form.pattern.finditer(text):
                begin, end = match.span(match.lastindex or 0)
                if not is_stand_in(text[begin:end]):
                    yield Secret(begin, end, text[begin:end], form.kind)
    if "LS0tLS1CRUdJTi" in text:
        for match in _ENCODED_PEM.finditer(text):
            if b"PRIVATE KEY" in base64.b64decode(match[0][:80]):
                yield Secret(match.start(), match.end(), match[0], "private-key")


def kind_of(value: str) -> str:
    """What `value` as a whole is by its form; `secret` where it has none."""
    found = (
        one.kind or "secret" for one in find_forms(value) if (one.begin, one.end) == (0, len(value))
    )
    return next(found, "secret")
