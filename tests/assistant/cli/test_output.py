import io
import json
import re
import sys
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from assistant.cli.output import (
    AnswerPrinter,
    Spinner,
    blocks,
    note,
    print_json,
    stdout_console,
    visible,
    working,
)

ANSWER = """\
**Cause** [L1]: the disk of <none> is full, so `restart <service>` would not help.

**Evidence**

- [L1] `payments:401` (30 of 430 lines)

  ```text
  2026-03-01T02:06:40Z ERROR payments cannot open /var/lib/payments/ledger.db: No space left on device

  second line
  ```

- [C1] `df.txt:3`

  ```text
  /dev/sdb1  20G  20G  0 100% /var/lib/payments
  ```

**Runbook** [R1] `disk.md`

> 1. Find out what is large.
> 2. Delete it.

*Examined:* 1 log
"""  # noqa: E501 - a log line is as long as it is


class Terminal(io.StringIO):
    """A stream that says it is a terminal."""

    def isatty(self) -> bool:
        return True


@pytest.fixture
def terminal(monkeypatch: pytest.MonkeyPatch) -> Callable[[int], Terminal]:
    """Make standard output a terminal of that many columns."""

    def make(columns: int) -> Terminal:
        stream = Terminal()
        monkeypatch.setattr(sys, "stdout", stream)
        for name, value in {
            "TERM": "xterm-256color",
            "COLUMNS": str(columns),
            "LINES": "24",
        }.items():
            monkeypatch.setenv(name, value)
        return stream

    return make


def on_screen(stream: Terminal) -> list[str]:
    """The lines that remain once every redrawn one has been erased, without colours."""
    lines = [""]
    for piece in re.split(r"(\x1b\[[0-9;?]*[A-Za-z]|\r|\n)", stream.getvalue()):
        if piece == "\n":
            lines.append("")
        elif piece == "\r":
            pass  # what follows writes over an erased line
        elif re.fullmatch(r"\x1b\[\d*A", piece):
            for _ in range(int(piece[2:-1] or 1)):
                lines.pop()
        elif piece == "\x1b[2K":
            lines[-1] = ""
        elif not piece.startswith("\x1b"):
            lines[-1] += piece
    return [line.rstrip() for line in lines]


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain ä €\n\ttab", "plain ä €\n\ttab"),
        ("\x1b]0;title\x07", r"\x1b]0;title\x07"),
        ("\x1b[2J", r"\x1b[2J"),
        ("\x9b31m", r"\x9b31m"),  # the same in one character of Latin-1
        ("back\x08space\x7f", r"back\x08space\x7f"),
        ("over\rwritten", r"over\rwritten"),
        ("two\r\nlines", "two\nlines"),
        ("right \u202eto left", "right <U+202E>to left"),
        ("hard\xa0and\u3000wide space", "hard\xa0and\u3000wide space"),
        ("not \udcff text", "not <U+DCFF> text"),
    ],
)
def test_control_characters_are_made_visible(text: str, shown: str) -> None:
    assert visible(text) == shown


@given(st.text())
def test_nothing_visible_steers_a_terminal(text: str) -> None:
    assert not re.search(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]", visible(text))


def test_a_note_goes_to_standard_error(capsys: pytest.CaptureFixture[str]) -> None:
    note("reading \x1b[2Jx")
    assert capsys.readouterr() == ("", "reading \\x1b[2Jx\n")


@dataclass
class _Thing:
    path: Path
    at: datetime


def test_json_is_one_line_in_a_pipe(capsys: pytest.CaptureFixture[str]) -> None:
    thing = _Thing(Path("/a"), datetime(2026, 3, 1, tzinfo=UTC))
    print_json({"thing": thing, "word": "für"})
    assert capsys.readouterr().out == (
        '{"thing": {"path": "/a", "at": "2026-03-01T00:00:00+00:00"}, "word": "für"}\n'
    )


def test_json_on_a_terminal_is_indented(terminal: Callable[[int], Terminal]) -> None:
    stream = terminal(80)
    print_json({"word": "für"})
    assert stream.getvalue() == '{\n  "word": "für"\n}\n'


def test_json_keeps_control_characters_from_the_terminal_and_loses_none(
    capsys: pytest.CaptureFixture[str],
) -> None:
    text = "\x1b[2J \x9b2J \x7f \r\n"
    print_json({"text": text})
    printed = capsys.readouterr().out
    assert json.loads(printed) == {"text": text}
    assert not re.search(r"[\x00-\x09\x0b-\x1f\x7f-\x9f]", printed)


def test_json_does_not_guess() -> None:
    with pytest.raises(TypeError, match="object is not JSON"):
        print_json({"thing": object()})


def test_a_table_row_in_a_pipe_is_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    stdout_console().print("word " * 200)
    assert len(capsys.readouterr().out.splitlines()) == 1


def test_without_a_terminal_there_is_no_spinner(capsys: pytest.CaptureFixture[str]) -> None:
    with working("thinking") as spinner:
        spinner.update("still thinking")
    assert capsys.readouterr() == ("", "")


def test_a_spinner_leaves_nothing_behind(monkeypatch: pytest.MonkeyPatch) -> None:
    stream = Terminal()
    monkeypatch.setattr(sys, "stderr", stream)
    monkeypatch.setenv("TERM", "xterm-256color")
    spinner = Spinner("reading \x1b]0;x\x07")
    spinner.stop()
    spinner.stop()
    assert "\x1b]0" not in stream.getvalue()
    assert [line for line in on_screen(stream) if line] == []


@pytest.mark.parametrize(
    ("markdown", "found"),
    [
        ("", [""]),
        ("one", ["one"]),
        ("one\ntwo\n", ["one\ntwo\n"]),
        ("one\n\n", ["one\n\n"]),
        ("one\n\ntwo", ["one\n\n", "two"]),
        ("one\n \n\ntwo", ["one\n \n\n", "two"]),
        ("- item\n\n  more of it\n\n- next", ["- item\n\n  more of it\n\n", "- next"]),
        ("```\na\n\nb\n```\n\nend", ["```\na\n\nb\n```\n\n", "end"]),
        ("- item\n\n  ```\na\n\nb\n  ```\n\nend", ["- item\n\n  ```\na\n\nb\n  ```\n\n", "end"]),
        ("```\nnever closed\n\nx", ["```\nnever closed\n\nx"]),
    ],
)
def test_blocks_end_where_the_next_begins(markdown: str, found: list[str]) -> None:
    assert blocks(markdown) == found


@given(st.text("ab -`\n"))
def test_blocks_lose_nothing(markdown: str) -> None:
    assert "".join(blocks(markdown)) == markdown


def test_in_a_pipe_the_answer_is_as_it_is(capsys: pytest.CaptureFixture[str]) -> None:
    printer = AnswerPrinter()
    for start in range(0, len(ANSWER), 7):
        printer.push(ANSWER[start : start + 7])
    printer.finish()
    printer.finish()
    assert capsys.readouterr().out == ANSWER + "\n"


def test_in_a_pipe_no_answer_is_no_line(capsys: pytest.CaptureFixture[str]) -> None:
    AnswerPrinter().finish()
    assert capsys.readouterr().out == ""


EIGHTY_COLUMNS = """\
Cause [L1]: the disk of <none> is full, so restart <service> would not help.

Evidence

 • [L1] payments:401 (30 of 430 lines)
     2026-03-01T02:06:40Z ERROR payments cannot open
     /var/lib/payments/ledger.db: No space left on device

     second line

 • [C1] df.txt:3
     /dev/sdb1  20G  20G  0 100% /var/lib/payments

Runbook [R1] disk.md

▌  1 Find out what is large.
▌  2 Delete it.

Examined: 1 log
"""


@pytest.mark.parametrize("size", [1, 3, 50, 10_000])
def test_on_a_terminal_the_answer_looks_the_same_however_it_arrives(
    size: int, terminal: Callable[[int], Terminal]
) -> None:
    stream = terminal(80)
    printer = AnswerPrinter()
    for start in range(0, len(ANSWER), size):
        printer.push(ANSWER[start : start + size])
    printer.finish()
    assert "\n".join(on_screen(stream)) == EIGHTY_COLUMNS


@pytest.mark.parametrize("columns", [20, 40, 60])
def test_a_narrow_terminal_has_no_line_too_long(
    columns: int, terminal: Callable[[int], Terminal]
) -> None:
    stream = terminal(columns)
    printer = AnswerPrinter()
    for word in re.split(r"(?<=\s)", ANSWER):
        printer.push(word)
    printer.finish()
    lines = on_screen(stream)
    assert max(map(len, lines)) <= columns
    assert _letters(lines) == _letters(EIGHTY_COLUMNS)
    assert "\n\n\n" not in "\n".join(lines)


def _letters(lines: Iterable[str]) -> str:
    """All that is written in `lines`, wherever it is broken."""
    return "".join("".join(lines).replace("▌", "").split())


def test_no_color_leaves_no_colour(
    terminal: Callable[[int], Terminal], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    stream = terminal(80)
    printer = AnswerPrinter()
    printer.push(ANSWER)
    printer.finish()
    assert not re.search(r"\x1b\[[0-9;]*(3\d|4\d|9\d)m", stream.getvalue())


def test_escape_sequences_of_an_answer_do_not_reach_the_terminal(
    terminal: Callable[[int], Terminal],
) -> None:
    stream = terminal(80)
    printer = AnswerPrinter()
    printer.push("a \x1b]0;pwned\x07 title\n\n```\n\x1b[2Jcleared\n```\n\n[link](http://e.example)")
    printer.finish()
    written = stream.getvalue()
    assert "\x1b]" not in written
    assert "\x1b[2J" not in written
    assert "link (http://e.example)" in "\n".join(on_screen(stream))


def test_a_part_of_an_answer_stays_when_the_rest_does_not_come(
    terminal: Callable[[int], Terminal],
) -> None:
    stream = terminal(80)
    printer = AnswerPrinter()
    printer.push("**Cause** [L1]: the disk is")
    printer.finish()
    assert on_screen(stream) == ["Cause [L1]: the disk is", ""]
