"""What the fronts are told of an approval."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from datetime import timedelta
from typing import get_args

import pytest

from assistant.approvals.approval import Approval, Decision, State, new_id
from assistant.events import Citation
from tests.assistant.approvals.scene import ANNA, BEN, NOON, restart

PENDING = Approval(
    id="a-7k3m9q",
    request=restart(evidence=(Citation("L7", "log", "web.log", 12, "down"),), suggested_by=("L7",)),
    digest=restart().digest,
    state="pending",
    requested_at_utc=NOON,
    expires_at_utc=NOON + timedelta(minutes=15),
)
AGREED = Decision("approved", ANNA, NOON + timedelta(minutes=1), "go")
LATER = NOON + timedelta(minutes=2)


@pytest.mark.parametrize(
    ("state", "status", "outcome"),
    [
        ("pending", "pending", None),
        ("approved", "approved", None),
        ("rejected", "rejected", None),
        ("expired", "expired", None),
        ("refused", "approved", "refused"),
        ("running", "approved", "running"),
        ("done", "approved", "done"),
        ("failed", "approved", "failed"),
        ("unfinished", "approved", "unfinished"),
    ],
)
def test_a_state_has_a_status_and_perhaps_an_outcome(
    state: State, status: str, outcome: str | None
) -> None:
    approval = replace(PENDING, state=state)
    assert (approval.status, approval.outcome) == (status, outcome)


@pytest.mark.parametrize("state", get_args(State))
def test_time_runs_out_for_what_is_open_alone(state: State) -> None:
    approval = replace(PENDING, state=state)
    in_time, too_late = (approval.as_of(NOON + timedelta(minutes=at)) for at in (14.99, 15))
    assert in_time == approval
    assert too_late.state == ("expired" if state in ("pending", "approved") else state)


@pytest.mark.parametrize(
    ("approval", "history"),
    [
        (PENDING, "pending"),
        (replace(PENDING, decisions=(AGREED,)), f"approved by anna (cli) {'at'} 12:01:00 UTC"),
        (
            replace(PENDING, state="rejected", decisions=(replace(AGREED, verdict="rejected"),)),
            "rejected by anna (cli) at 12:01:00 UTC on 2026-11-20: go",
        ),
        (
            replace(PENDING, state="done", decisions=(AGREED,), ended_at_utc=LATER),
            "; done at 12:02:00 UTC on 2026-11-20",
        ),
        (
            replace(PENDING, state="running", decisions=(AGREED,), begun_at_utc=LATER),
            "; running at 12:02:00 UTC on 2026-11-20",
        ),
        (PENDING.as_of(NOON + timedelta(hours=1)), "expired at 12:15:00 UTC on 2026-11-20"),
    ],
)
def test_the_history_is_told_in_a_few_words(approval: Approval, history: str) -> None:
    assert history in approval.history()


def test_changed_arguments_show() -> None:
    assert PENDING.is_intact
    assert not replace(PENDING, request=restart("db")).is_intact
    assert not replace(PENDING, digest="").is_intact


def test_the_json_begins_with_what_was_promised() -> None:
    told = json.loads(json.dumps(replace(PENDING, decisions=(AGREED,)).as_json()))
    assert list(told)[:5] == ["id", "action", "arguments", "status", "outcome"]
    assert told["arguments"] == {"backend": "supervisor", "service": "web"}
    assert told["evidence"] == [{"id": "L7", "source": "web.log", "line": 12, "text": "down"}]
    assert told["suggested_by"] == ["L7"]
    assert told["decisions"] == [
        {"verdict": "approved", "by": "anna (cli)", "at": "2026-11-20T12:01:00+00:00", "note": "go"}
    ]


def test_ids_can_be_typed_and_not_be_guessed() -> None:
    ids = {new_id() for _ in range(1_000)}
    assert len(ids) > 990
    assert all(re.fullmatch(r"a-[2-9a-hj-km-np-z]{6}", one) for one in ids)
    assert str(BEN) == "ben (cli)"
