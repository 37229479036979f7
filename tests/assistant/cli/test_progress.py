from __future__ import annotations

import io
import re
from dataclasses import replace

import pytest
from rich.console import Console
from rich.progress import DownloadColumn, Progress, TransferSpeedColumn

from assistant.cli.progress import BarProgress, PlainProgress, model_progress
from assistant.models.progress import ModelProgress

MODEL = "qwen2.5-coder-1.5b"
TOTAL = 1_000_000_000


def at(
    megabytes: int, stage: str = "downloading", source: str = "hub", note: str = ""
) -> ModelProgress:
    done = megabytes * 1_000_000
    return ModelProgress(MODEL, stage, done, TOTAL, source, note)  # type: ignore[arg-type]


class Clock:
    """A clock that the test sets."""

    def __init__(self) -> None:
        self.now_s = 0.0

    def __call__(self) -> float:
        return self.now_s


def plain_lines(steps: list[tuple[float, ModelProgress]]) -> list[str]:
    stream, clock = io.StringIO(), Clock()
    progress = PlainProgress(Console(file=stream, width=40), clock)
    for now_s, event in steps:
        clock.now_s = now_s
        progress(event)
    return stream.getvalue().splitlines()


def test_a_line_for_every_tenth() -> None:
    lines = plain_lines([(second / 100, at(second * 10)) for second in range(101)])
    assert len(lines) == 11
    assert lines[0] == f"{MODEL} from hub: 0 % (0 bytes of 1.0 GB)"
    assert lines[5] == f"{MODEL} from hub: 50 % (500.0 MB of 1.0 GB), 1.0 GB/s, 0:00:00 left"
    assert lines[10].startswith(f"{MODEL} from hub: 100 %")


def test_a_line_every_five_seconds_when_it_is_slow() -> None:
    lines = plain_lines([(second, at(second)) for second in range(21)])
    assert [line.split(": ")[1].split(" (")[0] for line in lines] == [
        "0 %",
        "0 %",
        "1 %",
        "1 %",
        "2 %",
    ]
    assert lines[1].endswith(", 1.0 MB/s, 0:16:35 left")


def test_what_was_there_before_does_not_count_as_speed() -> None:
    lines = plain_lines([(0, at(800)), (1, at(900))])
    assert lines[1].endswith(", 100.0 MB/s, 0:00:01 left")


def test_a_new_phase_and_a_note_have_lines_of_their_own() -> None:
    lines = plain_lines(
        [
            (0, at(0, "connecting")),
            (1, at(0, "connecting", "wheels", "hub: no answer within 8 s")),
            (2, at(1, "downloading", "wheels", "hub: no answer within 8 s")),
        ]
    )
    assert lines == [
        f"{MODEL}, connecting: 0 % (0 bytes of 1.0 GB)",
        "hub: no answer within 8 s",
        f"{MODEL}, connecting: 0 % (0 bytes of 1.0 GB)",
        f"{MODEL} from wheels: 0 % (1.0 MB of 1.0 GB)",
    ]


def test_without_a_terminal_there_are_lines_and_no_control_codes() -> None:
    stream = io.StringIO()
    with model_progress(Console(file=stream)) as progress:
        progress(at(500))
    assert stream.getvalue() == f"{MODEL} from hub: 50 % (500.0 MB of 1.0 GB)\n"


@pytest.mark.parametrize("width", [40, 79, 80, 200])
def test_the_bar_with_size_and_speed_fits_on_one_line(width: int) -> None:
    stream = io.StringIO()
    console = Console(file=stream, force_terminal=True, width=width, color_system=None)
    with model_progress(console) as progress:
        progress(at(400))
        progress(at(500))
    drawn = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", stream.getvalue())
    last = [line for line in re.split(r"[\r\n]+", drawn) if line.strip()][-1]
    assert "0.5/1.0 GB" in last
    assert len(last) <= width
    assert (MODEL in last) == (width >= 80)


def test_nothing_to_do_draws_nothing() -> None:
    stream = io.StringIO()
    with model_progress(Console(file=stream, force_terminal=True, width=80)):
        pass
    assert re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", stream.getvalue()).strip() == ""


def test_a_note_appears_once_above_the_bar() -> None:
    stream = io.StringIO()
    console = Console(file=stream, force_terminal=True, width=100, color_system=None)
    with model_progress(console) as progress:
        for megabytes in (1, 2, 3):
            progress(at(megabytes, note="hub: [Errno -2] Name or service not known"))
    assert stream.getvalue().count("hub: [Errno -2] Name or service not known") == 1


def test_the_speed_of_the_bar_starts_anew_with_each_phase() -> None:
    clock = Clock()
    bars = Progress(DownloadColumn(), TransferSpeedColumn(), get_time=clock, disable=True)
    progress = BarProgress(bars)
    progress(replace(at(0, "verifying"), bytes_total=TOTAL))
    clock.now_s = 1
    progress(at(900, "verifying"))
    progress(at(900))
    for second in (2, 3, 4):
        clock.now_s = second
        progress(at(900 + second))
    assert bars.tasks[0].speed == 1_000_000
