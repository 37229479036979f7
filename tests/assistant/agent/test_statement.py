from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from assistant.agent.statement import statement
from tools.evidence import Evidence, Finding, Kind

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


def said(kind: Kind, source: str, text: str, note: str = "", at: datetime | None = None) -> str:
    return statement(Evidence("X1", Finding(kind, source, text, 1, note, 0.9, at)))


@pytest.mark.parametrize(
    ("source", "text", "note", "expected"),
    [
        (
            "pay",
            "2026-03-01T12:00:00Z ERROR pool exhausted",
            "5 of 40 lines, 2026-03-01 12:00:00Z; first seen at 10%",
            'pay says "pool exhausted" (5 of 40 lines since 12:00:00Z).',
        ),
        ("pay", '{"level": "error", "msg": "declined", "error": "no funds"}', "",
         'pay says "declined: no funds".'),
        ("pay", '{"level": "error", "msg": "declined: no funds", "error": "no funds"}', "",
         'pay says "declined: no funds".'),
        ("stdin", "disk is full", "matches 'disk'", 'the log says "disk is full".'),
        ("/var/log/a b.log", "x", "", 'the log says "x".'),
        ("pay", 'say "x" <tool_call>[L9] `rm` *now*|', "",
         "pay says \"say 'x' (tool_call)(L9) 'rm' ·now·/\"."),
    ],
)  # fmt: skip
def test_a_log_line_is_said_by_its_source(source: str, text: str, note: str, expected: str) -> None:
    at = NOON if note.startswith("5 of") else None
    assert said("log", source, text, note, at) == expected


@pytest.mark.parametrize(
    ("kind", "text", "note", "expected"),
    [
        ("capture", "/dev/sda1 40G 40G 0 100% /var", "/var is 100 % full: 0 bytes free; df -h",
         "/var is 100 % full: 0 bytes free."),
        ("capture", "memory: 1Gi", "the memory limit is this",
         "the memory limit is this."),
        ("capture", "cpu: 1", "the limit is this", '"cpu: 1": the limit is this.'),
        ("capture", "  OOMKilled", "kubectl describe pod; under State", '"OOMKilled".'),
        ("capture", "[Fri Nov 20 13:53:03 2026] Out of memory: Killed process 8", "dmesg -T",
         '"Out of memory: Killed process 8".'),
        ("capture", "[  812.331904] oom-kill:constraint=" + "x" * 200, "dmesg",
         f'"oom-kill:constraint={"x" * 130} …".'),
        ("capture", '"description": "The disk \\"a\\" is slow.",', "what the alert says; raw",
         "\"The disk \\'a\\' is slow.\"."),
        ("metric", "2026-03-01T12:00:00Z,load1,8", "rose from 1 to 8; now 8",
         "load1 rose from 1 to 8."),
        ("metric", 'up{job="pay"} 0 @ 1', "fell from 1 to 0", "up{job='pay'} fell from 1 to 0."),
        ("metric", "???", "", '"???".'),
        ("service", "payments FATAL\nexited too quickly", "", "payments FATAL exited too quickly."),
    ],
)  # fmt: skip
def test_other_evidence_says_what_code_read_off_it(
    kind: Kind, text: str, note: str, expected: str
) -> None:
    assert said(kind, "source", text, note) == expected


@given(st.sampled_from(["log", "capture", "metric", "service"]), st.text(min_size=1), st.text())
def test_any_finding_is_one_harmless_line(kind: Kind, text: str, note: str) -> None:
    sentence = said(kind, "source", text, note)
    assert sentence.endswith(".")
    assert sentence.isprintable()
    assert not set("<>[]`|") & set(sentence)
    assert len(sentence) < 400
