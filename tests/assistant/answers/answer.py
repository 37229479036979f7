"""An answer to keep."""

from __future__ import annotations

from datetime import UTC, datetime

from assistant.answers.kept import KeptAnswer
from tools.evidence import Evidence, Finding

LINE = Finding(
    "log",
    "pay",
    "2026-03-01T12:00:41Z ERROR pool exhausted \x1b[2J é",
    41,
    "2 times",
    0.9,
    datetime(2026, 3, 1, 12, 0, 41, 5, tzinfo=UTC),
)
RUNBOOK = Finding("runbook", "runbooks/pool.md", "Raise the pool.", 3, "Fix", 0.5)
KEPT = KeptAnswer(
    "**Cause** [L1]: no free connections.", (Evidence("L1", LINE), Evidence("R1", RUNBOOK)), ("L1",)
)
