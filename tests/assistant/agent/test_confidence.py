from __future__ import annotations

import pytest

from assistant.agent.confidence import confidence_line
from tools.evidence import Evidence, Finding, Kind


def item(name: str, suspicion: float, kind: Kind = "log") -> Evidence:
    return Evidence(f"X{name}", Finding(kind, name, "text", suspicion=suspicion))


PAY, DB, NOISE, WEAK = item("pay", 0.9), item("db", 0.7), item("noise", 0.3), item("weak", 0.4)
RUNBOOK = item("pool.md", 0.9, "runbook")


@pytest.mark.parametrize(
    ("cited", "facts", "seen", "expected"),
    [
        ([PAY], [PAY, DB, NOISE], [], "*Confidence:* high: 2 sources agree (`pay`, `db`)."),
        ([PAY], [PAY, NOISE], [], "*Confidence:* medium: one source shows it (`pay`)."),
        (
            [PAY],
            [PAY],
            [item("inc-1", 0.5, "incident")],
            "*Confidence:* high: one source shows it (`pay`), and it was seen before.",
        ),
        (
            [WEAK],
            [WEAK],
            [],
            "*Confidence:* low: nothing that was found is a clear sign of trouble.",
        ),
        # A runbook proves nothing.
        ([RUNBOOK], [PAY], [], ""),
        ([], [PAY], [], ""),
        ([PAY], [], [], ""),
    ],
)
def test_confidence_follows_from_what_agrees(
    cited: list[Evidence], facts: list[Evidence], seen: list[Evidence], expected: str
) -> None:
    assert confidence_line(cited, facts, seen) == expected


def test_only_some_of_many_sources_are_named() -> None:
    facts = [item(f"s{n}", 0.9) for n in range(6)]
    assert confidence_line(facts, facts, []).endswith("(`s0`, `s1`, `s2`, `s3` …).")
