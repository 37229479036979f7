from __future__ import annotations

import pytest

from knowledge.incidents.families import families


def lines(text: str) -> dict[str, float]:
    """Each letter is a line: of weight 1, or 0.05 when it is in lower case."""
    return {letter: 1.0 if letter.isupper() else 0.05 for letter in text}


@pytest.mark.parametrize(
    ("incidents", "expected"),
    [
        ([], []),
        (["AB"], [0]),
        (["AB", "AB", "AB"], [0, 0, 0]),
        (["ABC", "DEF", "ABC", "DEF"], [0, 1, 0, 1]),
        (["ABCxyz", "ABxz", "BCDxy"], [0, 0, 0]),
        (["Axyz", "Bxyz", "Cxyz"], [0, 1, 2]),
        (["ABxyz", "ACxyz"], [0, 1]),
        (["A", "A", "B"], [0, 0, 1]),
        (["ABCDpqrs", "ABCDwxyz"], [0, 0]),
        (["ABCD", "CDEF", "ABCDEF"], [0, 1, 0]),
        (["", ""], [0, 1]),
        (["xyz", "xyz"], [0, 0]),
    ],
)
def test_incidents_that_share_most_of_the_weight_are_one_fault(
    incidents: list[str], expected: list[int]
) -> None:
    assert families([lines(text) for text in incidents]) == expected
