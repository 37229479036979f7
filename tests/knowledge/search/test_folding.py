from __future__ import annotations

import pytest

from knowledge.search.folding import are_same, shingles

STEPS = """\
1. Look at the members: `etcdctl member list -w table`.
2. Take the member that is gone out of the cluster.
3. Put a new one in its place, and wait until it has caught up with the leader.
4. Look at the members again.
"""


def are_alike(one: str, other: str) -> bool:
    return are_same(shingles(one), shingles(other))


@pytest.mark.parametrize(
    "other",
    [
        STEPS,
        STEPS.upper(),
        STEPS.replace("\n", "\n\n").replace("`", "**"),
        STEPS + "5. Done.\n",
        STEPS.replace("again", "once more"),
    ],
)
def test_copies_say_the_same_whatever_their_markup(other: str) -> None:
    assert are_alike(STEPS, other)
    assert are_alike(other, STEPS)


@pytest.mark.parametrize(
    "other",
    [
        "",
        "Restart the cache.",
        STEPS[: len(STEPS) // 2],
        STEPS * 2 + "and quite some other words that stand in no other place than here, " * 3,
        " ".join(reversed(STEPS.split())),
    ],
)
def test_other_texts_do_not(other: str) -> None:
    assert not are_alike(STEPS, other)
    assert not are_alike(other, STEPS)


@pytest.mark.parametrize(
    ("one", "other", "is_same"),
    [
        ("reload nginx", "Reload nginx!", True),
        ("reload nginx", "restart nginx", False),
        ("", "", True),
        ("...", "---", True),
        ("日本 語", "日本 語", True),
    ],
)
def test_texts_of_few_words(one: str, other: str, is_same: bool) -> None:
    assert are_alike(one, other) is is_same
