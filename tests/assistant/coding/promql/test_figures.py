import pytest

from assistant.coding.promql.figures import Figures, Threshold, figures_in


@pytest.mark.parametrize(
    ("question", "thresholds", "ranges"),
    [
        ("latency above 2 seconds", [(">", 2, "seconds")], []),
        ("latency above 250ms", [(">", 0.25, "seconds")], []),
        ("lag over 3 minutes", [(">", 180, "seconds")], []),
        ("last run over 5 hours ago", [(">", 18000, "seconds")], []),
        ("backups older than two days", [(">", 172800, "seconds")], []),
        ("expires within the next 7 days", [("<", 604800, "seconds")], []),
        ("certificates that expire in 14d", [("<", 1209600, "seconds")], []),
        # Ranges.
        ("rate over the last 5 minutes", [], ["5m"]),
        ("5 minute rate", [], ["5m"]),
        ("restarts within an hour", [], ["1h"]),
        ("errors in the past day", [], ["1d"]),
        ("errors during the last 90s", [], ["90s"]),
        ("average over 10m of the load", [], ["10m"]),
        # "over" is of the range where something else is the threshold.
        ("errors over 5 minutes above 10", [(">", 10, "number")], ["5m"]),
        ("changed more than twice in 5 minutes", [(">", 2, "number")], ["5m"]),
        # Shares.
        ("fewer than half of the targets", [("<", 50, "percent")], []),
        ("above 95% of the limit", [(">", 95, "percent")], []),
        ("less than 5 percent free", [("<", 5, "percent")], []),
        # Sizes and large numbers.
        ("queue above 50,000 jobs", [(">", 50000, "number")], []),
        ("queue above 10k", [(">", 10000, "number")], []),
        ("heap over 2GiB", [(">", 2 * 2.0**30, "number")], []),
        ("at least 3 replicas", [(">=", 3, "number")], []),
        ("no more than ten connections", [("<=", 10, "number")], []),
        ("a rate > 0.5", [(">", 0.5, "number")], []),
        ("above zero", [(">", 0, "number")], []),
        # No figures at all.
        ("a share of the requests", [], []),
        ("port 8080 of node_load1 in v1.2", [], []),
        ("", [], []),
    ],
)
def test_thresholds_and_ranges_by_the_words_around_them(
    question: str, thresholds: list[tuple[str, float, str]], ranges: list[str]
) -> None:
    figures = figures_in(question)
    assert [(t.sign, t.value, t.unit) for t in figures.thresholds] == thresholds
    assert list(figures.ranges) == ranges


def test_a_percentage_may_be_of_something() -> None:
    assert figures_in("above 95% of the limit").thresholds[0].is_of
    assert not figures_in("above 95%").thresholds[0].is_of


def test_where_no_value_is_a_time_a_time_is_a_range() -> None:
    figures = Figures((Threshold(">", 300, "seconds"), Threshold(">", 3)), ("1h",))
    assert figures.without_times() == Figures((Threshold(">", 3),), ("1h", "5m"))
