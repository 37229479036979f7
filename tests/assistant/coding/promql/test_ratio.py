import pytest

from assistant.coding.promql.names import Metric
from assistant.coding.promql.ratio import ordered_pairs


@pytest.mark.parametrize(
    ("words", "part", "whole"),
    [
        ("blocked logins as a share of good logins", "logins_blocked_total", "logins_good_total"),
        ("cache misses as percent of all lookups", "cache_misses_total", "cache_lookups_total"),
        ("ratio of hits to lookups", "cache_hits_total", "cache_lookups_total"),
        ("writes relative to reads", "disk_writes_total", "disk_reads_total"),
        # The names tell where the words do not.
        ("error rate above 5%", "requests_failed_total", "requests_total"),
        ("open files above 80%", "process_open_fds", "process_max_fds"),
        ("memory in percent", "memory_used_bytes", "memory_limit_bytes"),
    ],
)
def test_part_and_whole(words: str, part: str, whole: str) -> None:
    one, other = Metric(part), Metric(whole)
    assert ordered_pairs(words, [one, other]) == [(one, other)]
    assert ordered_pairs(words, [other, one]) == [(one, other)]


def test_both_orders_where_nothing_tells() -> None:
    one, other = Metric("apples_eaten"), Metric("pears_eaten")
    assert ordered_pairs("apples and pears", [one, other]) == [(one, other), (other, one)]
