import pytest

from tools.metrics.backend import Deadline, FamilyKind, group_families


def test_a_deadline_only_comes_nearer() -> None:
    deadline = Deadline.after(100)
    assert 99 < deadline.left_s <= 100
    assert deadline.within(5).left_s <= 5
    assert deadline.within(1000) == deadline
    assert Deadline.after(-1).left_s == 0


@pytest.mark.parametrize(
    ("names", "kinds", "families"),
    [
        (["up"], {}, {"up": "unknown"}),
        (["up"], {"up": "gauge"}, {"up": "gauge"}),
        (["a_bucket", "a_sum", "a_count"], {}, {"a": "histogram"}),
        (["a_bucket", "a_count"], {}, {"a": "histogram"}),
        (["a", "a_sum", "a_count"], {}, {"a": "summary"}),
        # One part alone is a metric of its own.
        (["queue_count"], {}, {"queue_count": "unknown"}),
        (["s3_bucket"], {}, {"s3_bucket": "unknown"}),
        (["jobs_total"], {"jobs": "counter"}, {"jobs_total": "counter"}),
        (["jobs_total"], {"jobs_total": "counter"}, {"jobs_total": "counter"}),
        # What is declared and not there is not there.
        (["a_count"], {"a": "histogram"}, {"a_count": "unknown"}),
        ([], {"a": "gauge"}, {}),
    ],
)
def test_families(
    names: list[str], kinds: dict[str, FamilyKind], families: dict[str, FamilyKind]
) -> None:
    counts: dict[str, int | None] = dict.fromkeys(names, 1)
    assert {f.name: f.kind for f in group_families(counts, kinds)} == families


def test_a_family_that_is_gone_is_one() -> None:
    (gone,) = group_families({}, {}, {"up": 3}, {"up": "Whether it is up."})
    assert (gone.name, gone.num_series, gone.num_before) == ("up", 0, 3)


def test_the_description_comes_with_the_kind() -> None:
    (jobs,) = group_families({"jobs_total": 1}, {"jobs": "counter"}, None, {"jobs": "Jobs done."})
    assert jobs.help == "Jobs done."
