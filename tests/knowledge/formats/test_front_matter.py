from __future__ import annotations

from datetime import date

import pytest

from knowledge.formats.front_matter import split_front_matter


@pytest.mark.parametrize(
    ("text", "fields"),
    [
        ("---\ntitle: Kube Node\nweight: 20\n---\n# x\n", {"title": "Kube Node", "weight": "20"}),
        ("---\ntitle: 'a: b'\n...\nx\n", {"title": "a: b"}),
        ("---\nupdated: 2024-02-30\n---\n", {"updated": "2024-02-30"}),
        ("---\ntags: [a, b]\n---\nx\n", {"tags": ["a", "b"]}),
        ("---\na: &a {title: b}\n<<: *a\n---\nx\n", {"a": {"title": "b"}, "<<": {"title": "b"}}),
        ("---\ntitle: {{ broken\n---\nx\n", {}),
        ("---\n# generated\n\ntitle: a: b\n---\nx\n", {}),
        ('---\ntitle: "\\UFFFFFFFF"\n---\nx\n', {}),
        ("---\n? [a]\n: b\nc: d\n---\n", None),
        ("---\n" + "title: " + "[" * 5_000 + "\n---\nx\n", {}),
        ("---\n---\nx\n", {}),
        ("+++\ntitle = 'T'\ndate = 2024-03-05\n+++\nx\n", {"title": "T", "date": date(2024, 3, 5)}),
        ("+++\n[params]\nservice = 'x'\n+++\n", {"params": {"service": "x"}}),
        ("+++\ndate = 2024-02-30\n+++\nx\n", {}),
        ("+++\ntitle =\n+++\nx\n", {}),
    ],
)
def test_front_matter_gives_its_fields_and_leaves_blank_lines(
    text: str, fields: dict[str, object] | None
) -> None:
    found, body = split_front_matter(text)
    if fields is None:
        assert (found, body) == ({}, text)
        return
    assert found == fields
    assert body.strip() in ("", "x", "# x")
    assert (len(body), body.count("\n")) == (len(text), text.count("\n"))


@pytest.mark.parametrize(
    "text",
    [
        "# x\n---\na: b\n---\n",
        "---\nno end\n",
        "----\na: b\n----\n",
        "---\nBetween two rules stands a paragraph.\n\n---\nx\n",
        "---\n- a list\n---\nx\n",
        "---\nA remark: it is *broken: here\n---\nx\n",
        "+++\nprose\n+++\n",
        "+++ \na = 1\n",
        "",
    ],
)
def test_what_is_no_front_matter_stays(text: str) -> None:
    assert split_front_matter(text) == ({}, text)


def test_so_much_between_two_rules_is_no_front_matter() -> None:
    text = "---\n" + "a: b\n" * 20_000 + "---\nx\n"
    assert split_front_matter(text) == ({}, text)
