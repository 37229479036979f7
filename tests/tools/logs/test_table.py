from datetime import UTC, datetime, timedelta
from pathlib import Path

from tools.logs.analysis import LogStudy, study_logs
from tools.logs.table import NO_TIME, NUM_BUCKETS, Grid
from tools.scope import LogSource

START = datetime(2025, 1, 2, 3, tzinfo=UTC)


def study(folder: Path, **logs: list[str]) -> LogStudy:
    sources = []
    for name, lines in logs.items():
        path = folder / f"{name}.log"
        path.write_text("".join(f"{line}\n" for line in lines))
        sources.append(LogSource(name, (path,)))
    return study_logs(sources, now=START + timedelta(days=1))


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
    (table,) = study(tmp_path, app=lines).tables
    assert [table.groups[group].template for group in table.group_of] == [
        "before any time", "started <n>", "lost <n>", "started <n>",
    ]  # fmt: skip
    first = int((START + timedelta(minutes=1)).timestamp()) * 1_000_000
    minutes = [(time - first) // 60_000_000 for time in table.times[1:].tolist()]
    assert (table.times[0], minutes) == (NO_TIME, [0, 1, 2])


def test_one_grid_serves_all_sources(tmp_path: Path) -> None:
    tables = study(
        tmp_path,
        first=[line(minute, f"tick {minute}") for minute in range(240)],
        second=[line(240, "late"), *(line(minute, "busy") for minute in [10] * 5)],
    ).tables
    grid = Grid.over(tables)
    assert grid is not None
    assert grid.start == int(START.timestamp()) * 1_000_000
    ticks, second = grid.activity(tables[0]), grid.activity(tables[1])
    assert ticks.shape == (1, NUM_BUCKETS)
    assert ticks.sum() == 240
    assert ticks.max() <= 2
    places = {group.template: number for number, group in enumerate(tables[1].groups)}
    assert second[places["late"]].nonzero()[0].tolist() == [NUM_BUCKETS - 1]
    assert second[places["busy"]].nonzero()[0].tolist() == [9]
    assert second[places["busy"]].sum() == 5


def test_without_times_there_is_no_grid(tmp_path: Path) -> None:
    assert Grid.over(study(tmp_path, app=["a", "b"]).tables) is None
    assert Grid.over([]) is None
