"""The columns say what a loop over the lines would say: that loop is the reference here."""

import random
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta, tzinfo
from pathlib import Path
from typing import NamedTuple
from zoneinfo import ZoneInfo

import pytest

from tools.logs.columns.records import Records, find_records
from tools.logs.columns.text import read_column
from tools.logs.groups import Kinds
from tools.logs.moments import to_micros
from tools.logs.multiline import Continuations
from tools.logs.reader import read_blocks, read_lines
from tools.logs.records import Level, Record, RecordParser
from tools.logs.table import NO_TIME
from tools.scope import LogSource
from tools.window import EVERYTHING

NOW = datetime(2025, 3, 10, 12, tzinfo=UTC)
START = datetime(2025, 2, 27, 22, 30, tzinfo=UTC)

Line = Callable[[random.Random, datetime], str]


class Seen(NamedTuple):
    row: int
    time: int
    level: Level | None
    status: int | None


def by_line(source: LogSource, zone: tzinfo = UTC) -> list[Seen]:
    parser, continuations, kinds = RecordParser(NOW, zone), Continuations(), Kinds()
    seen: list[Seen] = []
    time = NO_TIME
    for row, line in enumerate(read_lines(source)):
        if not line.text or line.text.isspace():
            continue
        record = parser.parse(line.text)
        if continuations.absorbs(line.text, record):
            continue
        time = to_micros(record.time) if record.time is not None else time
        kind = kinds.of(record, row)
        seen.append(Seen(row, time, kind.declared, kind.status))
    return seen


def by_column(source: LogSource, zone: tzinfo = UTC) -> list[Seen]:
    records = found(source, zone)
    window, kinds = records.window, records.kinds.all
    numbers = zip(window.rows.tolist(), window.times.tolist(), window.kinds.tolist(), strict=True)
    return [Seen(row, time, kinds[k].declared, kinds[k].status) for row, time, k in numbers]


def found(source: LogSource, zone: tzinfo = UTC) -> Records:
    column = read_column(read_blocks(source), lambda _: None)
    return find_records(column, RecordParser(NOW, zone), EVERYTHING, None, lambda: None)


def written(folder: Path, lines: Sequence[str]) -> LogSource:
    path = folder / "app.log"
    path.write_text("".join(f"{line}\n" for line in lines))
    return LogSource("app", (path,))


def number(source: random.Random) -> str:
    return str(source.randrange(10 ** source.randrange(1, 9)))


def milli(time: datetime) -> str:
    return f"{time.microsecond // 1000:03}"


FORMS: dict[str, Line] = {
    "iso": lambda r, t: f"{t:%Y-%m-%d %H:%M:%S} INFO took {number(r)} ms",
    "iso with a fraction": lambda r, t: f"{t:%Y-%m-%d %H:%M:%S},{milli(t)} WARN n={number(r)}",
    "iso with more or less of a fraction": lambda r, t: (
        f"{t:%Y-%m-%dT%H:%M:%S}.{str(t.microsecond)[: r.randrange(1, 7)]}Z got {number(r)}"
    ),
    "iso with or without a zone": lambda r, t: (
        f"{t:%Y-%m-%dT%H:%M:%S}{r.choice(['', 'Z', '+02:00', '-0530'])} got {number(r)}"
    ),
    "syslog": lambda r, t: f"{t:%b} {t.day:2} {t:%H:%M:%S} host{number(r)} sshd[{number(r)}]: bye",
    "syslog with a priority": lambda r, t: (
        f"<{r.randrange(192)}>{t:%b} {t.day:2} {t:%H:%M:%S} h app[{number(r)}]: hello"
    ),
    "syslog 5424": lambda r, t: (
        f"<{r.randrange(192)}>1 {t:%Y-%m-%dT%H:%M:%S}.{milli(t)}Z host app {number(r)} - - hi"
    ),
    "klog": lambda r, t: (
        f"{r.choice('IWEF')}{t:%m%d %H:%M:%S}.{t.microsecond:06} {number(r)} a.go:{number(r)}] x"
    ),
    "access": lambda r, t: (
        f"10.0.{number(r)}.1 - - [{t:%d/%b/%Y:%H:%M:%S} {r.choice(['+0000', '+0100'])}] "
        f'"GET /a/{number(r)} HTTP/1.1" {r.choice([200, 304, 404, 500, 503])} {number(r)}'
    ),
    "apache error": lambda r, t: f"[{t:%a %b %d %H:%M:%S} {t.year}] [error] client {number(r)}",
    "json": lambda r, t: (
        f'{{"n": {number(r)}, "ts": "{t:%Y-%m-%dT%H:%M:%S}.{milli(t)}Z", "level": "warn", '
        f'"msg": "x {number(r)}", "status": {r.choice([200, 404, 500])}}}'
    ),
    "pino": lambda r, t: (
        f'{{"level":{r.choice([10, 30, 40, 50, 60])},"time":{int(t.timestamp() * 1000)},"msg":"m"}}'
    ),
    "json with seconds": lambda r, t: (
        f'{{"ts": {t.timestamp():.{r.randrange(7)}f}, "msg": "x {number(r)}"}}'
    ),
    "logfmt": lambda r, t: f"id={number(r)} time={t:%Y-%m-%dT%H:%M:%SZ} level=error msg=lost",
    "logfmt with zones": lambda r, t: (
        f"id={number(r)} at=x time={t:%Y-%m-%dT%H:%M:%S}{r.choice(['', 'Z', '+02:00'])} msg=lost"
    ),
    "epoch": lambda r, t: f"{t.timestamp():.3f} tick {number(r)}",
    "epoch or another number": lambda r, t: (
        f"{r.choice([str(int(t.timestamp())), number(r)])} items sold"
    ),
    "status in text": lambda r, t: f"{t:%Y-%m-%d %H:%M:%S} status={r.choice([200, 404, 502])}",
    "cri": lambda r, t: (
        f"{t:%Y-%m-%dT%H:%M:%S}.{number(r)}Z stderr F {t:%H:%M:%S} ERROR lost {number(r)}"
    ),
    "no padding": lambda r, t: (
        f"{t:%Y%m%d}-{t.hour}:{t.minute}:{t.second}:{number(r)[:3]}|Step|1|x"
    ),
    "half days": lambda r, t: f"{t:%m/%d/%Y %I:%M:%S %p} INFO {number(r)} things",
    "no time of day": lambda r, t: f"{t:%Y-%m-%d} {r.randrange(30):02}:{r.randrange(70):02}:00 x",
    "impossible dates": lambda r, t: f"2025-02-{r.randrange(10, 40)} 10:00:00 INFO happened",
    "bare": lambda r, t: f"worker {number(r)} is idle",
    "bare with a clock": lambda r, t: f"elapsed {t:%H:%M:%S} of {number(r)}",
    "a number": lambda r, t: r.choice([number(r), f"{t:%Y-%m-%dT%H:%M:%S}Z", f"{t:%Y-%m-%d}"]),
    "indented": lambda r, t: f"   detail {number(r)}",
    "indented trouble": lambda r, t: f"   failed with {number(r)}",
    "frame": lambda r, t: f"\tat com.example.Shop.pay(Shop.java:{number(r)})",
    "python trace": lambda r, t: "Traceback (most recent call last):",
    "python frame": lambda r, t: f'  File "app.py", line {number(r)}, in run',
    "exception": lambda r, t: f"ValueError: {number(r)} is too much",
    "go trace": lambda r, t: f"goroutine {number(r)} [running]:",
    "go frame": lambda r, t: f"main.run(0x{number(r)})",
    "stamped trace": lambda r, t: (
        f"{t:%Y-%m-%dT%H:%M:%S}.{milli(t)}Z stderr F Traceback (most recent call last):"
    ),
    "stamped frame": lambda r, t: f'{t:%Y-%m-%dT%H:%M:%S}.{milli(t)}Z stderr F   File "a.py", x',
    "stamped end": lambda r, t: f"{t:%Y-%m-%dT%H:%M:%S}.{milli(t)}Z stderr F KeyError: {number(r)}",
    "syslog trace": lambda r, t: (
        f"{t:%b} {t.day:2} {t:%H:%M:%S} h app[{r.randrange(3)}]: Traceback (most recent call last):"
    ),
    "syslog frame": lambda r, t: (
        f'{t:%b} {t.day:2} {t:%H:%M:%S} h app[{r.randrange(3)}]:   File "a.py", line {number(r)}'
    ),
    "blank": lambda r, t: r.choice(["", "   ", "\t"]),
    "postgres": lambda r, t: (
        f"{t:%Y-%m-%d %H:%M:%S}.{milli(t)} UTC [{number(r)}] "
        f"{r.choice(['LOG:  duration: 3 ms', 'ERROR:  no', 'STATEMENT:  SELECT', 'HINT:  try'])}"
    ),
}


def log(forms: Sequence[str], count: int, seed: int) -> list[str]:
    source = random.Random(seed)
    time = START
    lines: list[str] = []
    for _ in range(count):
        time += timedelta(microseconds=source.randrange(1, 3_600_000_000))
        lines.append(FORMS[source.choice(forms)](source, time))
    return lines


@pytest.mark.parametrize("form", FORMS)
def test_one_form_alone(tmp_path: Path, form: str) -> None:
    source = written(tmp_path, log([form], 300, seed=1))
    assert by_column(source) == by_line(source)


@pytest.mark.parametrize("seed", range(30))
def test_forms_in_one_log(tmp_path: Path, seed: int) -> None:
    chosen = random.Random(seed).sample(list(FORMS), 8)
    source = written(tmp_path, log(chosen, 600, seed))
    assert by_column(source) == by_line(source)


TRACES = ["stamped trace", "stamped frame", "stamped end", "syslog trace", "syslog frame"]
BARE = ["python trace", "python frame", "frame", "exception", "go trace", "go frame"]
INDENTED = ["indented", "indented trouble", "postgres", "postgres", "bare", "iso"]


@pytest.mark.parametrize("seed", range(20))
@pytest.mark.parametrize(
    "forms",
    [[*TRACES, "cri", "iso", "syslog"], [*BARE, *INDENTED], [*TRACES, *BARE, *INDENTED, "blank"]],
    ids=["stamped", "bare", "both"],
)
def test_traces_of_several_writers(tmp_path: Path, forms: list[str], seed: int) -> None:
    source = written(tmp_path, log(forms, 150, seed))
    assert by_column(source) == by_line(source)


@pytest.mark.parametrize("name", ["Europe/Berlin", "America/New_York", "Asia/Kolkata"])
def test_the_clocks_of_a_zone_change(tmp_path: Path, name: str) -> None:
    lines = [
        f"{START + timedelta(minutes=17 * n):%Y-%m-%d %H:%M:%S} INFO tick {n}" for n in range(4000)
    ]
    source, zone = written(tmp_path, lines), ZoneInfo(name)
    assert by_column(source, zone) == by_line(source, zone)


def test_only_few_lines_are_parsed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    parsed: list[str] = []
    parse = RecordParser.parse

    def counting(parser: RecordParser, text: str) -> Record:
        parsed.append(text)
        return parse(parser, text)

    monkeypatch.setattr(RecordParser, "parse", counting)
    forms = ["iso", "syslog", "access", "json", "logfmt", "klog", "epoch", "pino", "frame", "bare"]
    lines = log(forms, 300, seed=1) * 30
    found(written(tmp_path, lines))
    assert len(parsed) < len(lines) / 10


def test_a_check_that_raises_ends_the_work(tmp_path: Path) -> None:
    column = read_column(read_blocks(written(tmp_path, ["x"])), lambda _: None)

    def cancel() -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        find_records(column, RecordParser(NOW), EVERYTHING, None, cancel)
