"""Tokens that replicas share: by their hashes, in an environment variable (a Kubernetes secret).

An entry is `NAME:SCOPE,SCOPE:HASH`, or `NAME:SCOPE:HASH:slack` for one that speaks for people of
Slack; entries stand apart by blanks. They end when the variable changes and the server is started
again.
"""

from __future__ import annotations

import secrets
from collections.abc import Collection, Mapping
from dataclasses import dataclass

from assistant.access.errors import TokenError
from assistant.access.token import (
    SECRET_BYTES,
    NamingFront,
    Scope,
    check,
    digest_of,
    known_front,
    known_scopes,
)

_PREFIX = "mws_"
_HINT = "make entries with: midwatch tokens create NAME --scope ask --shared"


@dataclass(frozen=True, slots=True)
class SharedToken:
    """What a shared token opens, and for whose people it may speak."""

    name: str
    scopes: tuple[Scope, ...]
    front: NamingFront | None = None


def new_shared(name: str, scopes: Collection[str], front: str | None) -> tuple[str, str]:
    """A token's text, and its entry. Raises TokenError as `new_token` does."""
    check(name, scopes, front, None)
    text = _PREFIX + secrets.token_urlsafe(SECRET_BYTES)
    parts = [
        name,
        ",".join(known_scopes(scopes)),
        digest_of(text).hex(),
        *([front] if front else []),
    ]
    return text, ":".join(parts)


def read_shared(entries: str) -> Mapping[bytes, SharedToken]:
    """The tokens by their digests. Raises TokenError for an entry of another form, by its name."""
    return dict(map(_read, entries.split()))


def shared_of(text: str, known: Mapping[bytes, SharedToken]) -> SharedToken | None:
    """The token that `text` is. Looking up a hash of 256 random bits tells nobody anything."""
    if not text.startswith(_PREFIX) or not text.isascii():
        return None
    return known.get(digest_of(text))


def _read(entry: str) -> tuple[bytes, SharedToken]:
    name, _, rest = entry.partition(":")
    scopes, _, rest = rest.partition(":")
    digest, _, front = rest.partition(":")
    try:
        check(name, scopes.split(","), front or None, None)
        known = bytes.fromhex(digest)
        if len(known) != SECRET_BYTES:
            raise ValueError(digest)
    except (TokenError, ValueError) as error:
        # The rest may be a token that was pasted whole.
        raise TokenError(f"the shared token {name[:64]!r} has no usable entry", _HINT) from error
    return known, SharedToken(name, known_scopes(scopes.split(",")), known_front(front or None))
