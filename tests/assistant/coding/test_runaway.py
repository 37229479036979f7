import pytest

from assistant.coding.runaway import LineWatch


def watched(text: str, size: int) -> LineWatch:
    watch = LineWatch()
    for start in range(0, len(text), size):
        watch.push(text[start : start + size])
    return watch


@pytest.mark.parametrize("size", [1, 7, 10_000])
@pytest.mark.parametrize(
    ("text", "is_circling"),
    [
        ("echo the very same line\n" * 6, True),
        ("  echo the very same line\necho the very same line  \n" * 3, True),
        ("echo the very same line\n" * 5, False),
        ("".join(f"echo not the same line {n}\n" for n in range(90)), False),
        ("  fi\n\n" * 50, False),
        ("x" * 900, True),
        (("x" * 700 + "\n") * 3, False),
        ("", False),
    ],
)
def test_circles(text: str, is_circling: bool, size: int) -> None:
    watch = watched(text, size)
    assert watch.is_circling is is_circling
    assert watch.num_lines == text.count("\n")
