"""With real journal files where systemd-journal-remote can write them; and with stand-ins."""

from __future__ import annotations

import os
import shutil
import struct
import subprocess
import sys
import threading
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path

import pytest

from tools.errors import BackendUnavailable
from tools.logs.sources.journal import JournalOrigin, JournalTarget
from tools.logs.sources.origin import Fetched, Haul
from tools.logs.sources.watch import FetchLimits, FetchWatch
from tools.window import EVERYTHING, Window

LIMITS = FetchLimits(timeout_s=30)
START = datetime(2026, 3, 1, 12, tzinfo=UTC)
REMOTE = shutil.which(
    "systemd-journal-remote", path=f"{os.environ['PATH']}:/usr/lib/systemd:/lib/systemd"
)
needs_journal = pytest.mark.skipif(
    REMOTE is None or shutil.which("journalctl") is None,
    reason="journalctl and systemd-journal-remote (a package of that name) make the journal files",
)

Entry = Mapping[str, str | bytes]


def micros(second: int) -> int:
    return (int(START.timestamp()) + second) * 1_000_000


def export_format(entries: list[tuple[int, Entry]]) -> bytes:
    """Entries, each with its second after 12:00, in the journal's export format."""
    parts = []
    for second, fields in entries:
        parts.append(f"__REALTIME_TIMESTAMP={micros(second)}\n__MONOTONIC_TIMESTAMP=1\n".encode())
        parts.append(b"_BOOT_ID=0123456789abcdef0123456789abcdef\n")
        for name, value in fields.items():
            data = value.encode() if isinstance(value, str) else value
            parts.append(name.encode() + b"\n" + struct.pack("<Q", len(data)) + data + b"\n")
        parts.append(b"\n")
    return b"".join(parts)


@pytest.fixture
def journal(tmp_path: Path) -> Callable[[list[tuple[int, Entry]]], Path]:
    """Writes a folder with a real journal file."""

    def write(entries: list[tuple[int, Entry]]) -> Path:
        folder = tmp_path / "journal"
        folder.mkdir()
        assert REMOTE is not None
        subprocess.run(
            [REMOTE, f"--output={folder}/test.journal", "-"],
            input=export_format(entries),
            check=True,
            capture_output=True,
        )
        return folder

    return write


def unit(name: str, message: str | bytes, **more: str) -> Entry:
    return {
        "MESSAGE": message,
        "PRIORITY": "6",
        "_SYSTEMD_UNIT": name,
        "SYSLOG_IDENTIFIER": name.partition(".")[0],
        "_PID": "12",
        "_UID": "33",
        "_HOSTNAME": "web1",
        **more,
    }


SHOP: list[tuple[int, Entry]] = [
    (0, unit("nginx.service", "started")),
    (1, unit("db.service", "checkpoint\n  complete", PRIORITY="4")),
    (2, unit("init.scope", "nginx.service: killed", _PID="1", UNIT="nginx.service", PRIORITY="3")),
    (3, {"MESSAGE": "Out of memory: Killed process 12", "_TRANSPORT": "kernel", "PRIORITY": "3"}),
    (4, unit("nginx.service", b"caf\xe9 \x00 x")),
    (5, unit("nginx.service", "y" * 10_000)),
]


def fetch(
    origin: JournalOrigin,
    folder: Path,
    window: Window = EVERYTHING,
    limits: FetchLimits = LIMITS,
    watch: FetchWatch | None = None,
) -> Haul:
    spool = folder / "spool"
    spool.mkdir()
    return origin.fetch(window, spool, limits, watch)


def texts(haul: Haul) -> dict[str, list[str]]:
    return {log.source.name: lines_of(log) for log in haul.logs}


def lines_of(log: Fetched) -> list[str]:
    return "".join(path.read_text() for path in log.source.paths).splitlines()


@needs_journal
def test_each_unit_is_a_log_oldest_entry_first(
    journal: Callable[[list[tuple[int, Entry]]], Path], tmp_path: Path
) -> None:
    haul = fetch(JournalOrigin(JournalTarget(directory=journal(SHOP))), tmp_path)
    assert haul.notes == ()
    assert texts(haul) == {
        "journal:db.service": [
            "<12>1 2026-03-01T12:00:01.000000Z web1 db 12 - - checkpoint",
            "      complete",
        ],
        "journal:kernel": [
            "<11>1 2026-03-01T12:00:03.000000Z - - 0 - - Out of memory: Killed process 12"
        ],
        "journal:nginx.service": [
            "2026-03-01T12:00:00.000000Z web1 nginx[12]: started",
            "<11>1 2026-03-01T12:00:02.000000Z web1 init 1 - - nginx.service: killed",
            "2026-03-01T12:00:04.000000Z web1 nginx[12]: caf\ufffd \ufffd x",
            "2026-03-01T12:00:05.000000Z web1 nginx[12]: " + "y" * 10_000,
        ],
    }


@needs_journal
@pytest.mark.parametrize(
    ("units", "has_kernel", "names"),
    [
        ((), True, ["db.service", "kernel", "nginx.service"]),
        ((), False, ["db.service", "nginx.service"]),
        (("db",), True, ["db.service", "kernel"]),
        (("db.service", "gone"), False, ["db.service", "gone.service"]),
        (("ng*",), False, ["nginx.service"]),
        (("gone*",), False, []),
        (("--help",), False, ["--help.service"]),
    ],
)
def test_units_are_chosen_as_journalctl_does(
    journal: Callable[[list[tuple[int, Entry]]], Path],
    tmp_path: Path,
    units: tuple[str, ...],
    has_kernel: bool,
    names: list[str],
) -> None:
    haul = fetch(JournalOrigin(JournalTarget(units, has_kernel, journal(SHOP))), tmp_path)
    assert list(texts(haul)) == [f"journal:{name}" for name in names]


@needs_journal
def test_the_window_is_kept_to_whole_seconds(
    journal: Callable[[list[tuple[int, Entry]]], Path], tmp_path: Path
) -> None:
    origin = JournalOrigin(JournalTarget(directory=journal(SHOP)))
    window = Window(START.replace(second=1, microsecond=900), START.replace(second=4))
    haul = fetch(origin, tmp_path, window)
    assert [log.lines for log in haul.logs] == [2, 1, 2]


@needs_journal
def test_of_a_long_log_the_newest_entries_are_kept(
    journal: Callable[[list[tuple[int, Entry]]], Path], tmp_path: Path
) -> None:
    entries = [(n, unit("nginx.service", f"number {n}")) for n in range(50)]
    origin = JournalOrigin(JournalTarget(directory=journal(entries)))
    (log,) = fetch(origin, tmp_path, limits=FetchLimits(max_log_lines=3)).logs
    assert [line.rpartition(" ")[2] for line in lines_of(log)] == ["47", "48", "49"]
    assert log.notes == ("older records exceed the limit and were left out",)


@needs_journal
def test_units_beyond_the_limit_share_a_log(
    journal: Callable[[list[tuple[int, Entry]]], Path], tmp_path: Path
) -> None:
    entries = [(n, unit(f"u{n}.service", f"number {n}")) for n in range(6)]
    origin = JournalOrigin(JournalTarget(directory=journal(entries)))
    haul = fetch(origin, tmp_path, limits=FetchLimits(max_logs=3))
    assert list(texts(haul)) == [
        "journal:other units",
        "journal:u4.service",
        "journal:u5.service",
    ]
    assert len(texts(haul)["journal:other units"]) == 4
    assert haul.notes == ("4 units share the log journal:other units",)


@needs_journal
def test_the_check_reads_one_entry(journal: Callable[[list[tuple[int, Entry]]], Path]) -> None:
    check = JournalOrigin(JournalTarget(directory=journal(SHOP))).check()
    assert (check.is_ok, check.words) == (True, "journal: readable")


@needs_journal
def test_a_damaged_file_is_a_note(
    journal: Callable[[list[tuple[int, Entry]]], Path], tmp_path: Path
) -> None:
    folder = journal(SHOP)
    (folder / "broken.journal").write_bytes(b"LPKSHHRH" + b"x" * 300)
    haul = fetch(JournalOrigin(JournalTarget(directory=folder)), tmp_path)
    assert "journal:nginx.service" in texts(haul)
    assert haul.notes == ("a damaged journal file was left out",)


@pytest.mark.skipif(shutil.which("journalctl") is None, reason="there is no journalctl")
def test_a_folder_without_a_journal_is_said(tmp_path: Path) -> None:
    empty = tmp_path / "empty"
    empty.mkdir()
    origin = JournalOrigin(JournalTarget(directory=empty))
    haul = fetch(origin, tmp_path)
    assert (haul.logs, haul.notes) == ((), ("the journal has no entry for the time in question",))
    check = origin.check()
    assert not check.is_ok
    assert "has no entry" in check.words


@pytest.mark.skipif(shutil.which("journalctl") is None, reason="there is no journalctl")
def test_a_folder_that_is_not_there_is_unavailable(tmp_path: Path) -> None:
    with pytest.raises(BackendUnavailable, match=r"Failed to open .*: No such file or directory"):
        fetch(JournalOrigin(JournalTarget(directory=tmp_path / "none")), tmp_path)


@pytest.fixture
def stand_in(tmp_path: Path) -> Callable[[str], JournalOrigin]:
    """Makes an origin whose journalctl is a Python script with `write` and `entry` at hand."""

    def make(body: str) -> JournalOrigin:
        path = tmp_path / "journalctl"
        path.write_text(
            f"#!{sys.executable}\n"
            "import json, os, sys, time\n"
            "def entry(n, message='m', **more):\n"
            "    return json.dumps({'__REALTIME_TIMESTAMP': str(1772366400000000 - n * 1000000),\n"
            "        'MESSAGE': message, '_SYSTEMD_UNIT': 'a.service', **more}) + '\\n'\n"
            "def write(text):\n"
            "    sys.stdout.write(text); sys.stdout.flush()\n"
            f"{body}\n"
        )
        path.chmod(0o755)
        return JournalOrigin(program=str(path))

    return make


ENDLESS = "n = 0\nwhile True:\n    write(''.join(entry(n + i) for i in range(1000)))\n    n += 1000"


def test_what_hangs_is_ended_at_the_time_limit_and_what_came_is_kept(
    stand_in: Callable[[str], JournalOrigin], tmp_path: Path
) -> None:
    origin = stand_in(
        f"open({str(tmp_path / 'pid')!r}, 'w').write(str(os.getpid()))\n"
        "write(entry(0) + entry(1)); time.sleep(600)"
    )
    haul = fetch(origin, tmp_path, limits=FetchLimits(timeout_s=1.0))
    assert [log.lines for log in haul.logs] == [2]
    assert haul.notes == (
        "older entries of the journal were not read: the time limit of 1 s was reached",
    )
    with pytest.raises(ProcessLookupError):
        os.kill(int((tmp_path / "pid").read_text()), 0)


def test_an_endless_journal_ends_at_the_limit_of_size(
    stand_in: Callable[[str], JournalOrigin], tmp_path: Path
) -> None:
    limits = FetchLimits(max_total_bytes=1 << 20, max_log_bytes=100_000)
    haul = fetch(stand_in(ENDLESS), tmp_path, limits=limits)
    (log,) = haul.logs
    assert 99_000 <= log.size_bytes <= 100_000
    assert log.source.paths[0].stat().st_size == log.size_bytes
    assert lines_of(log)[-1].startswith("2026-03-01T12:00:00.000000Z")
    assert "the limit of 1.0 MiB for all logs together was reached" in haul.notes[0]
    assert [path.name for path in (tmp_path / "spool").iterdir()] == [log.source.paths[0].name]


def test_a_cancelled_fetch_ends_the_process(
    stand_in: Callable[[str], JournalOrigin], tmp_path: Path
) -> None:
    cancelled = threading.Event()
    watch = FetchWatch(LIMITS, lambda *_: cancelled.set(), cancelled.is_set)
    haul = fetch(stand_in(ENDLESS), tmp_path, watch=watch)
    assert haul.notes == ("older entries of the journal were not read: it was cancelled",)


def test_entries_that_are_too_long_or_none_are_counted(
    stand_in: Callable[[str], JournalOrigin], tmp_path: Path
) -> None:
    haul = fetch(
        stand_in(
            "write(entry(0)); write('{\"MESSAGE\": \"' + 'x' * (9 << 20) + '\"}\\n')\n"
            "write('no json\\n[1]\\n{}\\n' + entry(1) + entry(2, None))"
        ),
        tmp_path,
    )
    assert [log.lines for log in haul.logs] == [2]
    assert haul.notes == (
        "1 entries of the journal are too long and were left out",
        "4 entries of the journal have no message or no time",
    )


@pytest.mark.parametrize(
    ("body", "message", "hint"),
    [
        (
            "sys.exit('No journal files were opened due to insufficient permissions.')",
            "may not read the journal",
            "systemd-journal",
        ),
        ("sys.exit('Failed to add filter for units: x')", "refused the names", "units"),
        ("sys.exit('\\x1b[31mBad\\nmagic')", "journalctl failed: ?[31mBad magic", "by hand"),
        ("sys.exit(3)", "journalctl failed: it did not say why", "by hand"),
    ],
)
def test_each_failure_says_what_to_do(
    stand_in: Callable[[str], JournalOrigin], tmp_path: Path, body: str, message: str, hint: str
) -> None:
    origin = stand_in(body)
    with pytest.raises(BackendUnavailable) as caught:
        fetch(origin, tmp_path)
    assert message in caught.value.message
    assert hint in caught.value.hint
    assert not origin.check().is_ok


def test_a_journal_of_this_user_alone_is_said(
    stand_in: Callable[[str], JournalOrigin], tmp_path: Path
) -> None:
    origin = stand_in(
        "print('Hint: You are currently not seeing messages from other users', file=sys.stderr)\n"
        "write(entry(0))"
    )
    haul = fetch(origin, tmp_path)
    assert [log.lines for log in haul.logs] == [1]
    assert "only the journal of this user was read" in haul.notes[0]
    assert "group systemd-journal" in origin.check().words


def test_without_journalctl_the_journal_is_unavailable(tmp_path: Path) -> None:
    with pytest.raises(BackendUnavailable, match="cannot be run: No such file"):
        fetch(JournalOrigin(program=str(tmp_path / "none")), tmp_path)


def test_journalctl_gets_plain_arguments_and_no_environment(
    stand_in: Callable[[str], JournalOrigin], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MIDWATCH_TOKEN", "s3cret")
    said = tmp_path / "said"
    program = stand_in(
        f"open({str(said)!r}, 'w').write(json.dumps([sys.argv[1:], list(os.environ)]))"
    ).program
    target = JournalTarget(("a b; rm -rf /",), has_kernel=False, directory=Path("/j"))
    fetch(JournalOrigin(target, program), tmp_path, Window(START, START))
    text = said.read_text()
    assert '"--unit=a b; rm -rf /"' in text
    assert '"--directory=/j"' in text
    assert '"--since=@1772366400", "--until=@1772366400"' in text
    assert "MIDWATCH_TOKEN" not in text
