from __future__ import annotations

import pytest

from tools.redaction.secret import PLACEHOLDER, Secret, covered, merged, placeholder

TEXT = "0123456789"


def secret(begin: int, end: int, kind: str = "") -> Secret:
    return Secret(begin, end, TEXT[begin:end], kind)


@pytest.mark.parametrize(
    ("found", "left"),
    [
        ([(5, 7), (1, 3)], [(1, 3), (5, 7)]),
        ([(1, 3), (3, 5)], [(1, 3), (3, 5)]),
        ([(1, 5), (3, 8)], [(1, 8)]),
        ([(1, 8), (3, 5)], [(1, 8)]),
        ([(1, 4), (1, 8)], [(1, 8)]),
        ([(1, 4), (3, 6), (5, 9)], [(1, 9)]),
        ([(1, 8), (1, 8)], [(1, 8)]),
    ],
)
def test_each_character_is_in_one_secret_at_most(
    found: list[tuple[int, int]], left: list[tuple[int, int]]
) -> None:
    secrets = merged([secret(*one) for one in found], TEXT)
    assert [(one.begin, one.end, one.plain) for one in secrets] == [
        (begin, end, TEXT[begin:end]) for begin, end in left
    ]


def test_what_is_known_by_its_form_stands_for_what_only_its_name_told() -> None:
    [one] = merged([secret(0, 10), secret(0, 10, "jwt")], TEXT)
    assert one.kind == "jwt"


def test_placeholders_are_covered_in_their_length() -> None:
    mark = placeholder(b"key", "secret", "hunter2")
    assert PLACEHOLDER.fullmatch(mark)
    assert len(covered(f"a{mark}b")) == len(mark) + 2
    assert "secret" not in covered(mark)
