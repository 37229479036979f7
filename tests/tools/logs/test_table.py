from datetime import UTC, datetime, timedelta
from pathlib import Path

from tools.logs.columns.source import SourceAnalysis
from tools.logs.records import RecordParser
from tools.logs.table import NO_TIME
from tools.scope import LogSource
from tools.window import EVERYTHING

START = datetime(2025, 1, 2, 3, tzinfo=UTC)


def line(minute: int, message: str) -> str:
    return f"{START + timedelta(minutes=minute):%Y-%m-%d %H:%M:%S} {message}"


def test_each_record_has_its_template_and_time(tmp_path: Path) -> None:
    lines = [
        "before any time",
        line(1, "started 1"),
        "  more",
        line(2, "ERROR lost 2"),
        line(3, "started 7"),
    ]
    path = tmp_path / "app.log"
    path.write_text("".join(f"{line}\n" for line in lines))
    parser = RecordParser(START + timedelta(days=1))
    table = SourceAnalysis(LogSource("app", (path,)), parser, EVERYTHING, None, None).table
    assert [table.groups[group].template for group in table.group_of] == [
        "before any time", "started <n>", "lost <n>", "started <n>",
    ]  # fmt: skip
    first = int((START + timedelta(minutes=1)).timestamp()) * 1_000_000
    minutes = [(time - first) // 60_000_000 for time in table.times[1:].tolist()]
    assert (table.times[0], minutes) == (NO_TIME, [0, 1, 2])
