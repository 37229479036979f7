from __future__ import annotations

from tools.logs.sources.watch import FetchLimits, FetchWatch

MIB = 1 << 20


def test_there_is_no_reason_to_stop_within_the_limits() -> None:
    watch = FetchWatch(FetchLimits(timeout_s=100))
    watch.count("a", MIB, MIB)
    assert watch.stop_reason() == ""
    assert 90 < watch.left_s <= 100


def test_each_limit_is_a_reason_of_its_own() -> None:
    assert FetchWatch(FetchLimits(timeout_s=0)).stop_reason() == (
        "the time limit of 0 s was reached"
    )
    full = FetchWatch(FetchLimits(max_total_bytes=3 * MIB))
    full.count("a", 2 * MIB, 2 * MIB)
    full.count("b", MIB, MIB)
    assert full.stop_reason() == "the limit of 3.0 MiB for all logs together was reached"
    cancelled = FetchWatch(FetchLimits(timeout_s=0), is_cancelled=lambda: True)
    assert cancelled.stop_reason() == "it was cancelled"


def test_progress_is_told_once_per_mebibyte() -> None:
    told: list[tuple[str, int]] = []
    watch = FetchWatch(FetchLimits(), lambda name, size: told.append((name, size)))
    for number in range(1, 41):
        watch.count("a", MIB // 10, number * (MIB // 10))
    assert [size // MIB for _, size in told] == [1, 2, 3]
    assert {name for name, _ in told} == {"a"}
