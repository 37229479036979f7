from __future__ import annotations

from datetime import UTC, datetime

import pytest

from knowledge.documents import Unusable
from knowledge.incidents.front_matter import Field, front_matter, split_front_matter


def values(text: str) -> dict[str, object]:
    return {field.name: field.value for field in split_front_matter(text)[0]}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("---\na: b\n---\n", {"a": "b"}),
        ("---\na: b\n...\nbody", {"a": "b"}),
        ("---  \n# comment\n\nA: b\n---", {"a": "b"}),
        ("---\na: 0123\nb: no\nc: 2026-03-14\n---\n", {"a": "0123", "b": "no", "c": "2026-03-14"}),
        ("---\na:\nb: ~\nc: null\nd: 'null'\n---\n", {"a": "", "b": "", "c": "", "d": "null"}),
        ("---\na: [x, 1]\nb:\n- y\n---\n", {"a": ("x", "1"), "b": ("y",)}),
        ("---\na: {b: c}\nd: [[e]]\n---\n", {"a": None, "d": None}),
        ("---\na: >\n  folded\n  text\n---\n", {"a": "folded text\n"}),
        ("---\na: !!python/object/apply:os.system [ls]\n---\n", {"a": ("ls",)}),
    ],
)
def test_values_are_taken_as_they_are_written(text: str, expected: dict[str, object]) -> None:
    assert values(text) == expected


@pytest.mark.parametrize(
    "text",
    ["", "text", "a: b\n---\n", "---\n\nAfter a rule.\n\n---\n", "---", "--- x\na: b\n---\n"],
)
def test_a_text_without_front_matter_stays_whole(text: str) -> None:
    assert split_front_matter(text) == ([], text)


def test_the_text_below_and_the_source_of_each_field() -> None:
    text = "---\na: 1 # one\nb:\n  c: [\n   d]\n---\nbody\n---\n"
    fields, body = split_front_matter(text)
    assert body == "body\n---\n"
    assert fields == [Field("a", "1", "a: 1 # one"), Field("b", None, "b:\n  c: [\n   d]")]


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("---\na: b\n", "no end: add a line with ---"),
        ("---\na: b: c\n---\n", "line 2"),
        ("---\na: b\nc: 'd\n---\n", "not valid YAML"),
        ("---\na: \x00\n---\n", "control characters"),
        ("---\na: b\nA: c\n---\n", "gives a 2 times"),
        ("---\na: b\n[c]: d\n---\n", "name is not a word"),
    ],
)
def test_broken_front_matter_is_refused_with_a_reason(text: str, reason: str) -> None:
    with pytest.raises(Unusable, match=reason):
        split_front_matter(text)


def test_front_matter_that_is_too_deep_or_too_large_is_refused() -> None:
    with pytest.raises(Unusable, match="nested too deeply"):
        split_front_matter(f"---\na: {'[' * 10_000}\n---\n")
    with pytest.raises(Unusable, match="has 10,000,004 characters, 30,000 are allowed"):
        split_front_matter(f"---\na: {'x' * 10_000_000}\n---\n")


def test_aliases_that_stand_for_billions_of_texts_are_not_followed() -> None:
    bomb = "".join(f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]\n" for n in range(1, 30))
    merged = "".join(
        f"m{n}: &m{n} {{<<: [{', '.join([f'*m{n - 1}'] * 9)}]}}\n" for n in range(1, 30)
    )
    text = f"---\ntitle: T\na0: &a0 x\nm0: &m0 {{k: v}}\n{bomb}{merged}---\n"
    read = values(text)
    assert read["title"] == "T"
    assert read["a1"] == ("x",) * 9
    assert read["a29"] is read["m29"] is None


def test_what_is_written_is_read_back() -> None:
    fields: dict[str, str | tuple[str, ...] | datetime | None] = {
        "id": "2026-03-14",
        "title": "'a': \"b\" # \ufeff 日本 🚒 - {x}",
        "date": datetime(2026, 3, 14, 9, 30, tzinfo=UTC),
        "nothing": None,
        "services": ("no", "---", "a, b"),
    }
    written = front_matter(fields)
    assert "date: 2026-03-14 09:30:00+00:00\n" in written
    assert values(written) == {**fields, "date": "2026-03-14 09:30:00+00:00", "nothing": ""}
    assert front_matter({"services": ()}) == "---\nservices: []\n---\n"
