"""An API token: who holds it, what it may be used for, and for how long.

Whom its holder acts for is the server's business (`assistant.server.auth`).

Its text is `mw_<id>_<secret>`: the id names it in lists, the secret is shown once and kept as a
hash only. Of the secret's 256 random bits SHA-256 is the right hash: there is nothing to guess from
a list of likely passwords, so a slow, salted one would cost every request time and protect nothing.
"""

from __future__ import annotations

import hashlib
import re
import secrets
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal, get_args

from assistant.access.errors import TokenError

Scope = Literal["ask", "approve", "ingest", "admin"]
SCOPES: tuple[Scope, ...] = get_args(Scope)
# Fronts that speak for people whom they have verified themselves. The users of this machine are not
# among them: their names come from the system alone, and by default they may approve anything.
NamingFront = Literal["slack"]
NAMING_FRONTS: tuple[NamingFront, ...] = get_args(NamingFront)
Status = Literal["valid", "expired", "revoked"]

_FORM = re.compile(r"mw_([0-9a-f]{8})_([A-Za-z0-9_-]{43})")
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._@-]{0,63}")
SECRET_BYTES = 32


@dataclass(frozen=True, slots=True)
class Token:
    """A token as it is kept; its secret is nowhere. Several may have one `name`, to replace one.

    `front` is the front for whose people it may speak, if any.
    """

    id: str
    name: str
    scopes: tuple[Scope, ...]
    created_at_utc: datetime
    front: NamingFront | None = None
    expires_at_utc: datetime | None = None
    last_used_at_utc: datetime | None = None
    revoked_at_utc: datetime | None = None

    def status(self, now: datetime) -> Status:
        """Whether it can be used at `now`, and if not, why."""
        if self.revoked_at_utc is not None:
            return "revoked"
        is_over = self.expires_at_utc is not None and now >= self.expires_at_utc
        return "expired" if is_over else "valid"


def new_token(
    name: str,
    scopes: Collection[str],
    now: datetime,
    *,
    lasts: timedelta | None = None,
    front: str | None = None,
) -> tuple[Token, str]:
    """A token made now, and its secret; without `lasts` it never expires.

    Raises TokenError for a name, scope, front or time that cannot be.
    """
    check(name, scopes, front, lasts)
    token = Token(
        secrets.token_hex(4),
        name,
        known_scopes(scopes),
        now,
        known_front(front),
        None if lasts is None else _end(now, lasts),
    )
    return token, secrets.token_urlsafe(SECRET_BYTES)


def known_scopes(names: Collection[str]) -> tuple[Scope, ...]:
    """Those of `names` that are scopes, in their own order."""
    return tuple(scope for scope in SCOPES if scope in names)


def known_front(name: str | None) -> NamingFront | None:
    """`name`, if it is a front whose people a token may name."""
    return next((front for front in NAMING_FRONTS if front == name), None)


def text_of(token: Token, secret: str) -> str:
    """What its holder sends."""
    return f"mw_{token.id}_{secret}"


def read_text(text: str) -> tuple[str, bytes] | None:
    """The id and the secret's digest of a token's text; None for any other text."""
    form = _FORM.fullmatch(text)
    return None if form is None else (form[1], digest_of(form[2]))


def digest_of(secret: str) -> bytes:
    """What is kept of a secret: SHA-256, 32 bytes."""
    return hashlib.sha256(secret.encode("ascii")).digest()


def check(name: str, scopes: Collection[str], front: str | None, lasts: timedelta | None) -> None:
    """Raises TokenError for what no token can be made of."""
    if not _NAME.fullmatch(name):
        raise TokenError(
            f"{name!r} is no name for a token",
            "write letters and digits, with . _ @ - between them, 64 at most",
        )
    unknown = sorted(set(scopes) - set(SCOPES))
    if unknown or not scopes:
        what = f"there is no scope {unknown[0]!r}" if unknown else "a token needs a scope"
        raise TokenError(what, f"scopes: {', '.join(SCOPES)}")
    if front is not None and front not in NAMING_FRONTS:
        raise TokenError(
            f"no token may name persons of {front!r}", f"fronts: {', '.join(NAMING_FRONTS)}"
        )
    if lasts is not None and lasts <= timedelta(0):
        raise TokenError("a token that expires at once", "give it some time, like 90d")


def _end(now: datetime, lasts: timedelta) -> datetime:
    try:
        return now + lasts
    except OverflowError as error:
        raise TokenError(
            "a token cannot last that long", "leave the end out, or give it some years: 3650d"
        ) from error
