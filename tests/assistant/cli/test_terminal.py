"""The command line on a real terminal: what a person sees, at 40 and at 60 columns."""

import os
import re
import shlex
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.assistant.cli.program import Program

SPINNER = re.compile("[\u2800-\u28ff]")  # its frames are patterns of Braille dots
TIMEOUT_S = 90


class Pane:
    """A shell in a tmux of its own."""

    def __init__(self, program: Program, columns: int, lines: int) -> None:
        self.columns = columns
        # A socket's path is short, and a test's folder is not.
        self._socket = f"midwatch-test-{os.getpid()}-{columns}"
        self._program = program
        self._environment = program.environment | {"PS1": "$ ", "LC_ALL": "C.UTF-8"}
        self._environment.pop("TMUX", None)
        self._tmux(
            "-f/dev/null",
            "new-session",
            "-d",
            *("-x", str(columns), "-y", str(lines)),
            f"cd {shlex.quote(str(program.folder))}; exec sh",
        )

    def _tmux(self, *arguments: str) -> str:
        command = ["tmux", "-L", self._socket, *arguments]
        done = subprocess.run(
            command, env=self._environment, capture_output=True, encoding="utf-8", check=True
        )
        return done.stdout

    def run(self, *arguments: str | Path) -> None:
        """Type a command of midwatch, to be followed by its status."""
        words = [*self._program.command, *map(str, arguments)]
        script = self._program.folder / "command.sh"
        script.write_text(f'{shlex.join(words)}\necho "status=$?"\n')
        # What was there before must not be taken for this command's.
        self.press("clear", "Enter")
        self.wait(r"\A\W*\Z")
        self._tmux("clear-history")
        self.press(". ./command.sh", "Enter")

    def press(self, *keys: str) -> None:
        """Press keys, in tmux's names for them."""
        self._tmux("send-keys", *keys)

    @property
    def text(self) -> str:
        """All that was written, without what has scrolled away being lost."""
        return self._tmux("capture-pane", "-p", "-S", "-")

    @property
    def shows_cursor(self) -> bool:
        return self.ask("cursor_flag") == "1"

    def ask(self, variable: str) -> str:
        """What tmux knows of the pane under that name."""
        return self._tmux("display-message", "-p", f"#{{{variable}}}").strip()

    def wait(self, pattern: str) -> str:
        """The text, once `pattern` is in it."""
        deadline = time.monotonic() + TIMEOUT_S
        while not re.search(pattern, text := self.text):
            assert time.monotonic() < deadline, text
            time.sleep(0.02)
        return text

    def end(self) -> tuple[int, str]:
        """The status of the command, and what it wrote."""
        written, status = re.split(r"(?m)^status=(\d+)$", self.wait(r"(?m)^status=\d+$"))[:2]
        return int(status), written

    def close(self) -> None:
        self._tmux("kill-server")


@pytest.fixture
def open_pane(program: Program) -> Iterator[Callable[[int, int], Pane]]:
    if shutil.which("tmux") is None:
        pytest.skip("tmux is not installed: apt-get install tmux")
    panes: list[Pane] = []

    def make(columns: int, lines: int) -> Pane:
        panes.append(Pane(program, columns, lines))
        return panes[-1]

    yield make
    for pane in panes:
        pane.close()


@pytest.mark.model
def test_an_answer_in_forty_columns(open_pane: Callable[[int, int], Pane], bundle: Path) -> None:
    pane = open_pane(40, 24)
    pane.run("ask", "--bundle", bundle, "why do payments fail?")
    pane.wait(SPINNER.pattern)
    status, text = pane.end()
    assert status == 0
    assert not SPINNER.search(text)
    assert "thinking" not in text
    assert pane.shows_cursor

    progress, answer, usage = re.split(r"\n\n(?=\*?Cause|Answer|session )", text)
    assert [line[:10] for line in sorted(progress.splitlines())[-3:]] == [
        "+ captures",
        "+ logs: An",
        "- runbooks",
    ]
    quotation = re.search(r" • \[L1\] payments:361 .*(?:\n   .*)+", answer)
    assert quotation is not None, answer
    # Broken between words, the lines join to what was quoted.
    words = " ".join(quotation[0].split())
    assert words.endswith(
        "2026-03-01T02:06:00Z ERROR payments cannot write ledger.db: No space left on device"
    )
    assert "\n\n\n" not in text
    assert usage.startswith("session ")


@pytest.mark.model
def test_after_ctrl_c_the_shell_is_as_before(
    open_pane: Callable[[int, int], Pane], payments_log: Path
) -> None:
    pane = open_pane(60, 20)
    pane.run("ask", "-f", payments_log, "what is wrong?")
    pane.wait(SPINNER.pattern)
    pane.press("C-c")
    status, text = pane.end()
    assert status == 130
    assert text.endswith("interrupted\n")
    assert not SPINNER.search(text)
    assert pane.shows_cursor
    pane.press("echo as-$((1+1))-before", "Enter")
    pane.wait(r"(?m)^as-2-before$")


@pytest.mark.model
def test_tables_keep_what_is_typed_in_again(open_pane: Callable[[int, int], Pane]) -> None:
    pane = open_pane(40, 24)
    pane.run("model", "list")
    _, text = pane.end()
    assert re.findall(r"(?m)^qwen2\.5-coder-\d\.5b ", text) == [
        "qwen2.5-coder-1.5b ",
        "qwen2.5-coder-0.5b ",
    ]
    pane.run("ask", "is anything wrong with the checkout service of the shop?")
    session = re.search(r"(?m)^session (\w{8})", pane.wait(r"(?m)^session \w{8}"))
    assert session is not None
    pane.end()
    pane.run("sessions", "list")
    _, text = pane.end()
    assert [row for row in text.splitlines() if row.startswith(f"{session[1]}  ")]


def test_a_log_does_not_change_the_terminal(
    open_pane: Callable[[int, int], Pane], tmp_path: Path
) -> None:
    path = tmp_path / "app.log"
    evil = "\x1b]0;pwned\x07 \x1b[2J\x1b[?25l \x1b[31m"
    path.write_text(f"2026-03-01T02:00:00Z ERROR {evil} the disk is gone\n" * 3)
    pane = open_pane(60, 20)
    pane.run("logs", path)
    status, text = pane.end()
    assert status == 0
    assert "thediskisgone" in "".join(text.split())
    assert pane.shows_cursor
    assert "pwned" not in pane.ask("pane_title")
