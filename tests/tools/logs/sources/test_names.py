from __future__ import annotations

import pytest

from tools.logs.sources.names import file_stem, printable, unique


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("web-1", "web-1"),
        (" a\n\tb ", "a b"),
        ("\x1b[31mred\x00", "?[31mred?"),
        ("a\u202eb\u200b", "a?b?"),
        ("gr\u00fc\u00dfe", "gr\u00fc\u00dfe"),
        ("x" * 500, "x" * 159 + "…"),
        ("", ""),
    ],
)
def test_names_are_printable(text: str, shown: str) -> None:
    assert printable(text) == shown


def test_no_two_names_are_alike() -> None:
    assert unique(["a", "b", "a", "a", "a (2)"]) == ["a", "b", "a (2)", "a (3)", "a (2) (2)"]


@pytest.mark.parametrize(
    "name", ["../../etc/passwd", "/", "", "a\0b", "x" * 500, "gr\u00fc\u00dfe"]
)
def test_a_file_stays_in_its_folder_whatever_the_name(name: str) -> None:
    stem = file_stem(4, name)
    assert stem.startswith("004-")
    assert "/" not in stem
    assert stem.isascii()
    assert stem.isprintable()
    assert len(stem) < 100
