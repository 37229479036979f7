"""HTTP headers that let somebody in: Authorization, Cookie, Set-Cookie, and `Bearer …` anywhere."""

from __future__ import annotations

import re
from collections.abc import Iterator

from tools.redaction.secret import Secret
from tools.redaction.values import is_stand_in, is_word, looks_random
from tools.redaction.words import words

_JOINT = r"(?:\\{0,15}[\"'])?\s{0,8}(?:[=:]>?|,)\s{0,8}\[?(?:\\{0,15}[\"'])?\[?(?:\\{0,15}[\"'])?"
_AUTHORIZATION = re.compile(
    rf"\b(?:proxy-)?authorization{_JOINT}(?:(?P<scheme>[A-Za-z][\w-]{{2,30}}+)[ ]++)?"
    r"(?P<value>[^\s\"'\\,;<>\[\]]{1,8192}+)",
    re.IGNORECASE,
)
_SCHEMES = words(
    """
    basic bearer token apikey api-key negotiate ntlm hawk hmac splunk genie-key key sso-key
    googlelogin key-token snowflake
    """
)
_BEARER = re.compile(r"\b(?:bearer|basic)[ ]{1,4}(?P<value>[\w.~+/=:-]{8,8192}+)", re.IGNORECASE)
_PARTS = re.compile(
    r"\b(?:signature|response|oauth_signature|nonce|cnonce|mac)=[\"\\]{0,8}(?P<value>[\w+/=%~.-]{8,1024}+)",
    re.IGNORECASE,
)
_COOKIE = re.compile(
    rf"\b(?P<set>set-)?cookies?2?(?:{_JOINT}|[ ]{{1,4}}[\"'])(?=[^\s=;,\"'{{}}\[\]]{{1,128}}=)",
    re.IGNORECASE,
)
_COOKIE_PAIR = re.compile(
    r"[ ]{0,4}(?P<name>[^\s=;,\"'\\]{1,128}+)=(?P<value>[^\s;\"'\\,]{0,8192}+)(?P<more>;[ ]?)?"
)
_MAX_COOKIES = 200
_MAX_HEADER_CHARS = 2048


def find_in_headers(text: str) -> Iterator[Secret]:
    """The credentials and cookies in the headers of `text`; names and schemes are none."""
    lowered = text.lower()
    if "authorization" in lowered:
        yield from _authorizations(text)
    if "bearer" in lowered or "basic" in lowered:
        for match in _BEARER.finditer(text):
            if looks_random(match["value"]):
                yield _secret(match)
    if "cookie" in lowered:
        yield from _cookies(text)


def _authorizations(text: str) -> Iterator[Secret]:
    done = 0
    for match in _AUTHORIZATION.finditer(text):
        value, scheme = match["value"], (match["scheme"] or "").lower()
        if scheme in _SCHEMES:
            if not (is_stand_in(value) or is_word(value)):
                yield _secret(match)
        elif scheme:
            begin, stop = max(done, match.start()), match.start() + _MAX_HEADER_CHARS
            end = text.find("\n", match.end(), stop)
            done = end if end >= 0 else stop
            yield from map(_secret, _PARTS.finditer(text, begin, done))
        elif looks_random(value):
            yield _secret(match)


def _cookies(text: str) -> Iterator[Secret]:
    """The values of all cookies; of `Set-Cookie` only the first pair is one."""
    done = 0
    for header in _COOKIE.finditer(text):
        done = max(done, header.end())
        for _ in range(1 if header["set"] else _MAX_COOKIES):
            pair = _COOKIE_PAIR.match(text, done)
            if pair is None:
                break
            if not is_stand_in(pair["value"]):
                yield _secret(pair)
            done = pair.end()
            if not pair["more"]:
                break


def _secret(match: re.Match[str]) -> Secret:
    begin, end = match.span("value")
    return Secret(begin, end, match["value"])
