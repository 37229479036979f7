"""The approvals of a database within one transaction.

Every change names what it expects to find, so that of two that meet only one takes place. When they
take place, and what has to be true for it, is decided elsewhere.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from assistant.approvals.approval import ENDED, OPEN, Approval, State
from assistant.approvals.columns import (
    CHANGING,
    FIXED,
    Value,
    changing_values,
    fixed_values,
    restored,
    time_text,
)
from assistant.approvals.database import Statements
from assistant.approvals.request import Argument
from assistant.errors import ApprovalConflict, ApprovalNotFound

_COLUMNS = FIXED + CHANGING
_SELECT = f"SELECT {', '.join(_COLUMNS)} FROM approvals "
_INSERT = (
    f"INSERT INTO approvals ({', '.join(_COLUMNS)}) VALUES ({', '.join('?' for _ in _COLUMNS)})"
)
_UPDATE = (
    f"UPDATE approvals SET {', '.join(f'{column} = ?' for column in CHANGING)}"
    " WHERE id = ? AND state = ? AND step = ? AND owner = ? AND is_audited = ?"
)
_DELETE = "DELETE FROM approvals WHERE is_audited = 1 AND requested_at_utc < ? AND state IN "
_ACTS = (
    "SELECT id, action, arguments, coalesce(begun_at_utc, claimed_at_utc), state FROM approvals"
    " WHERE claimed_at_utc >= ? AND (begun_at_utc IS NOT NULL OR state = 'running')"
    " AND (CAST(? AS INTEGER) IS NULL OR claim < ?) ORDER BY claim DESC"
)
_NEWEST_FIRST = "ORDER BY requested_at_utc DESC, rowid DESC"


@dataclass(frozen=True, slots=True)
class Act:
    """An act that was begun, or is about to be: `at_utc` is when, `state` what came of it."""

    approval: str
    action: str
    arguments: Mapping[str, Argument]
    at_utc: datetime
    state: State


class Rows:
    """The approvals within one transaction of `database`, which others begin and end."""

    def __init__(self, database: Statements) -> None:
        self._database = database

    def get(self, approval_id: str) -> Approval:
        """Raises ApprovalNotFound, and ApprovalRefused for a row changed from outside."""
        found = self._select("WHERE id = ?", approval_id)
        if not found:
            raise ApprovalNotFound(
                f"there is no approval {approval_id!r}", "list them: midwatch approvals list"
            )
        return found[0]

    def is_known(self, approval_id: str) -> bool:
        """Whether the id is taken."""
        found = self._database.execute("SELECT 1 FROM approvals WHERE id = ?", [approval_id])
        return found.fetchone() is not None

    def all(self, session: str | None = None) -> list[Approval]:
        """All approvals (of `session`), the newest first."""
        if session is None:
            return self._select(_NEWEST_FIRST)
        return self._select(f"WHERE session = ? {_NEWEST_FIRST}", session)

    def pending(self, session: str, digest: str) -> Approval | None:
        """What waits in `session` for a decision on exactly this act."""
        condition = "WHERE session = ? AND digest = ? AND state = 'pending'"
        return next(iter(self._select(condition, session, digest)), None)

    def overdue(self, now: datetime) -> list[Approval]:
        """Those whose time ran out before they were used, and which do not say so yet."""
        condition = f"WHERE state IN {_marks(OPEN)} AND expires_at_utc <= ?"
        return self._select(condition, *OPEN, time_text(now))

    def running(self) -> list[Approval]:
        """Those that a process has claimed and not brought to an end."""
        return self._select("WHERE state = 'running'")

    def unaudited(self) -> list[Approval]:
        """Those whose outcome the audit has no record of yet, in the order of the acts."""
        return self._select("WHERE is_audited = 0 ORDER BY claim")

    def next_claim(self) -> int:
        """The number of the act that is claimed next."""
        [newest] = self._database.execute("SELECT max(claim) FROM approvals").fetchone()
        return int(newest or 0) + 1

    def acts(self, since: datetime, before: int | None = None) -> tuple[Act, ...]:
        """The acts since then that were claimed before the claim `before`, the newest first.

        Among them are those that failed and those whose end nobody knows, but none that is known
        not to have begun.
        """
        found = self._database.execute(_ACTS, [time_text(since), before, before])
        return tuple(_act(*row) for row in found)

    def add(self, approval: Approval) -> None:
        """Enter a new one, whose id is free."""
        self._database.execute(_INSERT, fixed_values(approval) + changing_values(approval))

    def replace(self, old: Approval, new: Approval) -> None:
        """Make `old` into `new`. Raises ApprovalConflict when it is not as `old` any more."""
        expected: list[Value] = [old.id, old.state, old.step, old.owner, int(old.is_audited)]
        changed = self._database.execute(_UPDATE, changing_values(new) + expected)
        if changed.rowcount != 1:
            raise ApprovalConflict(f"{old.id} was changed by somebody else", "look at it again")

    def prune(self, before: datetime) -> int:
        """Forget what was asked for before then, has ended and is on record; says how many."""
        values = [time_text(before), *ENDED]
        return self._database.execute(_DELETE + _marks(ENDED), values).rowcount

    def _select(self, condition: str, *values: Value) -> list[Approval]:
        found = self._database.execute(_SELECT + condition, values).fetchall()
        return [restored(dict(zip(_COLUMNS, row, strict=True))) for row in found]


def _marks(values: tuple[str, ...]) -> str:
    return f"({', '.join('?' for _ in values)})"


def _act(approval_id: str, action: str, arguments: str, at_utc: str, state: State) -> Act:
    return Act(approval_id, action, json.loads(arguments), datetime.fromisoformat(at_utc), state)
