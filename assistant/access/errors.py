"""The errors of access to a server.

MidwatchError
├── TokenError      a token that cannot be made or changed as asked, or may not do this
└── QuotaExceeded   a turn over what its user may have; it says when to try again
"""

from __future__ import annotations

from assistant.errors import MidwatchError


class TokenError(MidwatchError):
    """A token that cannot be made or revoked as asked, or that may not do what was asked."""

    code = "token"


class QuotaExceeded(MidwatchError):
    """A turn over its user's quota: `used` of `limit` (`quota` says of what).

    `retry_after_s` is when it can first succeed, counted from now; None where that depends on a
    turn that is still running.
    """

    code = "quota"

    def __init__(self, quota: str, used: int, limit: int, retry_after_s: float | None) -> None:
        when = (
            "when one of them has ended"
            if retry_after_s is None
            else f"in {_spoken(retry_after_s)}"
        )
        super().__init__(f"the quota is used up: {used} of {limit} {quota}", f"try again {when}")
        self.quota = quota
        self.used = used
        self.limit = limit
        self.retry_after_s = retry_after_s


def _spoken(seconds: float) -> str:
    """A waiting time as a person says it, never shorter than it is."""
    whole = max(1, int(-(-seconds // 1)))
    if whole < 120:
        return f"{whole} s"
    minutes = -(-whole // 60)
    return f"{minutes} min" if minutes < 120 else f"{-(-minutes // 60)} h"
