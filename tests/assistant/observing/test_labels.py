from __future__ import annotations

import pytest

from assistant.observing.labels import Bounded


@pytest.mark.parametrize("name", ["search_logs", "qwen2.5-coder-1.5b", "org/model:tag", "a"])
def test_a_name_is_kept(name: str) -> None:
    assert Bounded()(name) == name


@pytest.mark.parametrize("name", ["", "1a", "a b", "a\n", "{a}", 'a"', "x" * 65, "é"])
def test_what_is_no_name_is_other(name: str) -> None:
    assert Bounded()(name) == "other"


def test_strangers_get_no_more_places_than_there_are() -> None:
    bounded = Bounded(("known",), max_values=3)
    assert [bounded(name) for name in ("a", "b", "c", "a", "known")] == [
        "a", "b", "other", "a", "known"
    ]  # fmt: skip
