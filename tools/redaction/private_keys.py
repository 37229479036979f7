"""Private keys as PEM blocks: whole ones, the beginning or the end of one, on one line or on many.

A block goes as a whole, with its first and last line. Where a logger put something before or after
each line, that stays, and each line's part of the key goes. Certificates and public keys stay.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from tools.redaction.secret import Secret

_LABEL = r"(?:[A-Z0-9]{1,12} ){0,3}PRIVATE KEY(?: BLOCK)?"
_BEGIN = re.compile(rf"-----BEGIN {_LABEL}-----|---- BEGIN SSH2 (?:ENCRYPTED )?PRIVATE KEY ----")
_END = re.compile(rf"-----END {_LABEL}-----|---- END SSH2 (?:ENCRYPTED )?PRIVATE KEY ----")
# In JSON, a line break is `\n`.
_GAP = r"(?:\s|\\{1,4}[nrt])"
_GAPS = re.compile(rf"{_GAP}*+")
_MATERIAL = r"[A-Za-z0-9+/]{16,}+={0,2}"
_HEADER = r"(?:Proc-Type|DEK-Info|Version|Comment|Hash|Subject|Charset): [^\n\\]{0,200}+"
_BODY = re.compile(
    rf"(?:{_GAP}*+(?:{_MATERIAL}|{_HEADER}))*+"
    rf"(?:{_GAP}*+[A-Za-z0-9+/]{{1,15}}+={{0,2}}(?={_GAP}*+(?:---|[\"']|\Z)))?+"
    rf"(?:{_GAP}*+={{1}}[A-Za-z0-9+/]{{4}}(?![A-Za-z0-9+/]))?+"
)
_PIECE = re.compile(rf"{_MATERIAL}|(?<![A-Za-z0-9+/])[A-Za-z0-9+/]{{1,15}}+={{1,2}}")
_WORD = re.compile(r"[^\s\\\"']++")
_TAIL_MATERIAL = re.compile(r"[A-Za-z0-9+/]{1,15}={0,2}|[A-Za-z0-9+/]{16,}={0,2}|=[A-Za-z0-9+/]{4}")
_GAPS_WITHIN = re.compile(rf"{_GAP}++")
_MAX_KEY_CHARS = 16_384


def find_private_keys(text: str) -> Iterator[Secret]:
    """The private keys in `text`; also one whose beginning or end is missing."""
    if "PRIVATE KEY" not in text:
        return
    begins = list(_BEGIN.finditer(text))
    done = 0
    for number, begin in enumerate(begins, 1):
        following = begins[number].start() if number < len(begins) else len(text)
        yield from _before_end(text, done, begin.start())
        limit = min(following, begin.end() + _MAX_KEY_CHARS)
        body = _BODY.match(text, begin.end(), limit)
        assert body is not None  # it may be empty
        done = body.end()
        closing = _END.search(text, done, limit)
        if closing and _GAPS.fullmatch(text, done, closing.start()):
            done = closing.end()
        if done > begin.end():
            yield _key(text, begin.start(), done)
        if closing and done < closing.start():
            yield from (_key(text, *p.span()) for p in _PIECE.finditer(text, done, closing.start()))
            done = closing.end()
    yield from _before_end(text, done, len(text))


def _before_end(text: str, begin: int, end: int) -> Iterator[Secret]:
    """The ends of keys whose beginnings are cut off, from `begin` up to `end`."""
    for closing in _END.finditer(text, begin, end):
        window = max(begin, closing.start() - _MAX_KEY_CHARS)
        start = closing.start()
        for word in reversed(list(_WORD.finditer(text, window, closing.start()))):
            is_short = word.end() - word.start() < 16
            if not _TAIL_MATERIAL.fullmatch(word[0]) or (is_short and start < closing.start()):
                break
            start = word.start()
        if start < closing.start():
            yield _key(text, start, closing.end())
        begin = closing.end()


def _key(text: str, begin: int, end: int) -> Secret:
    return Secret(begin, end, _GAPS_WITHIN.sub("", text[begin:end]), "private-key")
