from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tools.logs.columns.source import SourceAnalysis
from tools.logs.reader import LogLine
from tools.logs.records import RecordParser
from tools.logs.signs.source import SourceSigns
from tools.scope import LogSource
from tools.window import EVERYTHING

START = datetime(2025, 1, 2, 3, tzinfo=UTC)

Look = Callable[..., SourceSigns]


def at(second: float, text: str) -> str:
    """A line of that many seconds after three o'clock."""
    moment = START + timedelta(seconds=second)
    return f"{moment:%Y-%m-%d %H:%M:%S}.{moment.microsecond // 1000:03} {text}"


@pytest.fixture
def line() -> Callable[[float, str], str]:
    return at


@pytest.fixture
def look(tmp_path: Path) -> Look:
    """The signs of a log of these (second, text), one record each, with or without times."""

    def run(
        records: Iterable[tuple[float, str]], source: str = "app", is_timed: bool = True
    ) -> SourceSigns:
        path = tmp_path / f"{source}.log"
        ordered = sorted(records, key=lambda item: item[0])
        texts = [at(second, text) if is_timed else text for second, text in ordered]
        path.write_text("".join(f"{text}\n" for text in texts))
        parser = RecordParser(START + timedelta(days=1))
        table = SourceAnalysis(LogSource(source, (path,)), parser, EVERYTHING, None, None).table

        def lines(positions: Sequence[int]) -> list[LogLine]:
            return [LogLine(path, place + 1, texts[place], False) for place in positions]

        return SourceSigns.find(table, lines)

    return run
