from __future__ import annotations

import pytest

from knowledge.formats.yaml_text import BrokenYaml, yaml_fields, yaml_nodes


def test_scalars_are_as_written() -> None:
    assert yaml_fields("a: 2024-02-30\nb: 0x_\nc: no\nd: ~\n") == {
        "a": "2024-02-30",
        "b": "0x_",
        "c": "no",
        "d": "~",
    }


@pytest.mark.parametrize(
    ("text", "fields"), [("", {}), ("# only a comment\n", {}), ("- a\n", None), ("words\n", None)]
)
def test_what_is_no_mapping(text: str, fields: dict[str, object] | None) -> None:
    assert yaml_fields(text) == fields


def test_marks_count_characters_and_documents_come_in_order() -> None:
    text = "# é\u2028日\n---\na: 1\n---\nb: 2\n"
    nodes = yaml_nodes(text)
    assert [text[node.start_mark.index :][:4] for node in nodes] == ["a: 1", "b: 2"]


@pytest.mark.parametrize(
    ("text", "line", "problem"),
    [
        ("a: 1\nb: [\n", 3, "expected the node content"),
        ("a: 1\nb: c: d\n", 2, "mapping values are not allowed here"),
        ("a: *b\n", 1, "undefined alias 'b'"),
        ("a: 1\nb: \x07\n", 2, "a character that YAML does not allow"),
        ("a: " + "[" * 5_000, 1, "nested too deeply"),
        ('a: "\\UFFFFFFFF"', 1, "a number out of range"),
        ("%YAML 1." + "9" * 5_000 + "\n---\na: 1\n", 1, "a number out of range"),
    ],
)
def test_what_breaks_is_named_with_its_line(text: str, line: int, problem: str) -> None:
    with pytest.raises(BrokenYaml) as caught:
        yaml_nodes(text)
    assert caught.value.line == line
    assert problem in caught.value.problem
    assert str(caught.value) == f"line {line}: {caught.value.problem}"


def test_a_key_that_is_no_text_is_broken() -> None:
    with pytest.raises(BrokenYaml, match="line 1: found unhashable key"):
        yaml_fields("? [a]\n: b\n")


def test_aliases_cost_nothing() -> None:
    levels = [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]" for n in range(1, 40)]
    (root,) = yaml_nodes("\n".join(["a0: &a0 x", *levels]))
    assert len(root.value) == 40
    merges = [f"a{n}: &a{n} {{<<: [{', '.join([f'*a{n - 1}'] * 9)}]}}" for n in range(1, 40)]
    assert len(yaml_fields("\n".join(["a0: &a0 {b: c}", *merges])) or ()) == 40
