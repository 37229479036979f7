from __future__ import annotations

import pytest

from tools.host.facts import Fact, age, names, percent, size, used_of

GIB = 1 << 30
MIB = 1 << 20


@pytest.mark.parametrize(
    ("num_bytes", "text"),
    [
        (0, "0.0 KiB"),
        (12 * 1024, "12.0 KiB"),
        (300 * MIB, "300.0 MiB"),
        (512 * MIB, "0.5 GiB"),
        (15.2 * GIB, "15.2 GiB"),
        (3 * 1024 * GIB, "3.0 TiB"),
    ],
)
def test_sizes(num_bytes: float, text: str) -> None:
    assert size(num_bytes) == text


def test_two_sizes_share_their_unit() -> None:
    assert used_of(15.2 * GIB, 16 * GIB) == "15.2 of 16.0 GiB"
    assert used_of(3 * MIB, 16 * GIB) == "3.0 MiB of 16.0 GiB"


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(45, "45 s"), (12 * 60, "12 min"), (5 * 3600, "5 h"), (3 * 86400, "3 days")],
)
def test_ages(seconds: float, text: str) -> None:
    assert age(seconds) == text


def test_shares_and_lists() -> None:
    assert percent(1, 4) == 25
    assert percent(1, 0) == 0
    assert names(["a", "b"], 2) == "a, b"
    assert names(["a", "b", "c"], 1) == "a and 2 more"


def test_a_fact_as_evidence() -> None:
    finding = Fact("memory", "memory: 15.2 of 16.0 GiB used", "only 5% is left", 0.8).finding()
    assert (finding.kind, finding.source, finding.line) == ("capture", "host: memory", None)
    assert (finding.text, finding.note) == ("memory: 15.2 of 16.0 GiB used", "only 5% is left")
    assert finding.suspicion == 0.8
