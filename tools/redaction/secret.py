"""`Secret`: where one stands in a text, and the placeholder that takes its place."""

from __future__ import annotations

import hmac
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

# One word of plain letters: a small model repeats it whole, where it drops quotes and brackets of
# any kind, and it means nothing to Markdown, Slack, HTML or a shell.
PLACEHOLDER = re.compile(r"redacted(?:-[a-z]+){1,4}-[0-9a-f]{6}")
# Unicode's promise: no character, in no text. To `values` it is a mask.
COVER = "\ufdd0"
_UNCOVERED = re.compile(f"[^{COVER}]+")
_HAS_SUBSTANCE = re.compile(r"[^\W_]")


@dataclass(frozen=True, slots=True)
class Secret:
    """The characters from `begin` up to `end` are secret.

    `plain` is the secret without the escapes of the place where it stands, so that it is the same
    in every place; `kind` says what it is, and is empty where only its place told that it is one.
    """

    begin: int
    end: int
    plain: str
    kind: str = ""


def placeholder(key: bytes, kind: str, plain: str) -> str:
    """What stands for the secret `plain`, the same each time under one key.

    24 bits of an HMAC: whoever lacks the key learns nothing from it, not even by trying passwords.
    """
    digest = hmac.digest(key, plain.encode("utf-8", "surrogatepass"), "sha256")
    return f"redacted-{kind}-{digest.hex()[:6]}"


def covered(text: str) -> str:
    """`text` with placeholders made unreadable, each character in its place: they are no names."""
    return PLACEHOLDER.sub(lambda match: COVER * len(match[0]), text)


def merged(secrets: Iterable[Secret], text: str) -> Iterator[Secret]:
    """The secrets found in a covered `text` in their order, each character in at most one.

    Of secrets that overlap, one that holds all the others stands for them. What is covered belongs
    to none: a second pass changes nothing, and a placeholder that somebody else wrote protects only
    itself.
    """
    last: Secret | None = None
    for secret in sorted(secrets, key=lambda one: (one.begin, -one.end)):
        if last is None or secret.begin >= last.end:
            if last is not None:
                yield from _uncovered(last, text)
            last = secret
        elif not last.kind and _is_nearly_all(secret, last):
            last = Secret(last.begin, max(last.end, secret.end), secret.plain, secret.kind)
        elif secret.end > last.end:
            last = Secret(last.begin, secret.end, text[last.begin : secret.end])
    if last is not None:
        yield from _uncovered(last, text)


def _is_nearly_all(inner: Secret, outer: Secret) -> bool:
    """Whether what has a form of its own is what was found by its name, save for a line break."""
    return bool(inner.kind) and 10 * (inner.end - inner.begin) > 9 * (outer.end - outer.begin)


def _uncovered(secret: Secret, text: str) -> Iterator[Secret]:
    whole = text[secret.begin : secret.end]
    if COVER not in whole:
        yield secret
        return
    for piece in _UNCOVERED.finditer(whole):
        if _HAS_SUBSTANCE.search(piece[0]):
            begin, end = piece.span()
            yield Secret(secret.begin + begin, secret.begin + end, piece[0])
