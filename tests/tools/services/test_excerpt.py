from dataclasses import dataclass

import pytest

from tests.tools.services.recording import RecordingControl
from tools.errors import BackendUnavailable
from tools.services.excerpt import MAX_LINES, Excerpt, error_kinds


def excerpt(text: str) -> Excerpt:
    return Excerpt(tuple(text.split()))


@pytest.mark.parametrize(
    ("earlier", "later", "new"),
    [
        ("a b c", "a b c", ""),
        ("a b c", "a b c d e", "d e"),
        ("", "a b", "a b"),
        ("a b c d", "c d e f", "e f"),
        ("a b c", "x y z", "x y z"),
        ("a b c", "", ""),
        ("a b a b", "a b a b a b", "a b"),
        # Two logs, one after the other, that both went on.
        ("o1 o2 e1 e2", "o1 o2 o3 e1 e2 e3", "o3 e3"),
    ],
)
def test_new_lines_are_told_from_old_ones(earlier: str, later: str, new: str) -> None:
    assert excerpt(later).since(excerpt(earlier)) == tuple(new.split())


def test_nothing_is_new_when_the_earlier_lines_are_not_known() -> None:
    assert excerpt("a b").since(Excerpt(trouble="no journal")) == ()


def test_errors_are_counted_by_kind() -> None:
    kinds = error_kinds(
        [
            "2026-03-01 12:00:00 INFO served /cart in 12 ms",
            "2026-03-01 12:00:01 ERROR no route to 10.0.0.1",
            "2026-03-01 12:00:02 ERROR no route to 10.0.0.2",
            '{"level": "error", "msg": "queue is full", "time": "2026-03-01T12:00:03Z"}',
            "0 errors, all is well",
            "Segmentation fault (core dumped)",
        ]
    )
    assert [kind.count for kind in kinds.values()] == [2, 1, 1]
    assert next(iter(kinds.values())).newest.endswith("ERROR no route to 10.0.0.2")


@dataclass
class LogControl(RecordingControl):
    lines: tuple[str, ...] = ()

    def log_tail(self, service: str, max_lines: int) -> tuple[str, ...]:
        if not self.lines:
            raise BackendUnavailable("the journal may not be read")
        return self.lines


def test_a_log_that_cannot_be_read_is_trouble_and_no_error() -> None:
    read = Excerpt.read(LogControl(("web",)), "web")
    assert read == Excerpt(trouble="the journal may not be read")


def test_a_log_is_bounded_by_its_end() -> None:
    lines = tuple(str(n) for n in range(MAX_LINES + 5))
    assert Excerpt.read(LogControl(("web",), lines=lines), "web").lines == lines[5:]
