import json
import os
import signal
import subprocess
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from assistant.audit.folder import find_files
from assistant.audit.head import HEAD_NAME
from assistant.audit.log import AuditLog
from assistant.cli.output import visible
from tests.assistant.cli.program import Program, Ran

Midwatch = Callable[..., Ran]
NOW = datetime.now(UTC)
# What a terminal would obey.
SERVICE = "shop\x1b[2J\u202e"
NOON = "\x9bnoon"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "data" / "audit"


def log_of(folder: Path, ago: timedelta = timedelta()) -> AuditLog:
    return AuditLog(folder, str, lambda: datetime.now(UTC) - ago, max_file_bytes=1500)


@pytest.fixture
def story(folder: Path) -> Path:
    """Two restarts: one asked for two days ago and done, one that somebody said no to just now."""
    shop = {"approval": "k7m2xq", "session": "1a2b3c4d", "action": "restart_service"}
    old = log_of(folder, timedelta(days=2))
    arguments = {"backend": "supervisor", "service": SERVICE}
    old.append(
        "requested",
        {
            **shop,
            "arguments": arguments,
            "asked_by": "ana (slack)",
            "reason": f"it hangs\nsince {NOON}",
            "evidence": [{"id": "L1", "text": "out of memory"}, {"id": "L2", "text": "killed"}],
        },
    )
    old.append("approved", {**shop, "by": "bo (cli)", "is_enough": True})
    old.append("started", {**shop, "arguments": arguments, "agreed": ["bo (cli)"]})
    old.append("finished", {**shop, "result": None, "message": "it answers again"})
    mail = {"approval": "p3wd9z", "session": "5e6f7a8b", "action": "stop_service"}
    log = log_of(folder)
    log.append("requested", {**mail, "arguments": {"service": "mail"}, "asked_by": "ana (slack)"})
    log.append("rejected", {**mail, "by": "cy (slack)", "note": "not on a Friday"})
    return folder


def kinds(ran: Ran) -> list[str]:
    assert ran.status == 0, ran.err
    return [record["kind"] for record in json.loads(ran.out)["records"]]


def shown(midwatch: Midwatch, *options: str) -> list[str]:
    """What was recorded of the acts that `--json` shows."""
    found = kinds(midwatch("audit", "show", "--json", *options))
    return [kind for kind in found if not kind.startswith("log_")]


def test_nothing_yet(midwatch: Midwatch, folder: Path) -> None:
    ran = midwatch("audit", "show")
    assert (ran.status, ran.out) == (0, "")
    assert "Nothing is recorded" in ran.err
    assert kinds(midwatch("audit", "show", "--json")) == []
    checked = midwatch("audit", "verify")
    assert (checked.status, checked.out, checked.err) == (0, "", "Nothing has been recorded yet.\n")
    assert not folder.exists()


@pytest.mark.usefixtures("story")
def test_each_record_is_one_harmless_line_the_newest_last(midwatch: Midwatch) -> None:
    ran = midwatch("audit", "show")
    lines = [line for line in ran.out.splitlines() if "log_opened" not in line]
    assert [line.split()[3] for line in lines] == [
        "requested",
        "approved",
        "started",
        "finished",
        "requested",
        "rejected",
    ]
    assert all(control not in ran.out for control in "\x1b\x9b\u202e")
    assert lines[0].endswith(
        f"k7m2xq  restart_service  backend=supervisor  service={visible(SERVICE)}  "
        f"by ana (slack)  session 1a2b3c4d  it hangs since {visible(NOON)}"
    )
    assert lines[-1].endswith("stop_service  by cy (slack)  session 5e6f7a8b  not on a Friday")
    numbers = [int(line.split()[0]) for line in ran.out.splitlines()]
    assert numbers == list(range(1, len(numbers) + 1))
    _, day, time, *_ = lines[-1].split()
    moment = datetime.fromisoformat(f"{day}T{time}+00:00")
    assert timedelta() <= datetime.now(UTC) - moment < timedelta(minutes=5)


@pytest.mark.usefixtures("story")
@pytest.mark.parametrize(
    ("options", "expected"),
    [
        (["--kind", "approved", "--kind", "rejected"], ["approved", "rejected"]),
        (["--action", "stop_service"], ["requested", "rejected"]),
        (["--service", "mail"], ["requested", "rejected"]),
        (["--who", "bo"], ["approved", "started"]),
        (["--session", "5e6f"], ["requested", "rejected"]),
        (["--since", "1h"], ["requested", "rejected"]),
        (["--until", "1d"], ["requested", "approved", "started", "finished"]),
        (["--since", (NOW - timedelta(days=1)).date().isoformat()], ["requested", "rejected"]),
        (["--until", "2000-01-01T00:00"], []),
        (["-n", "1"], ["rejected"]),
        (["--approval", "k7", "-n", "2"], ["started", "finished"]),
    ],
)
def test_records_can_be_asked_for(
    midwatch: Midwatch, options: list[str], expected: list[str]
) -> None:
    assert shown(midwatch, *options) == expected


def test_the_settings_say_where_the_log_lies(
    midwatch: Midwatch, tmp_path: Path, settings_file: Callable[[str], Path]
) -> None:
    settings_file(f'[audit]\ndir = "{tmp_path / "elsewhere"}"\n')
    log_of(tmp_path / "elsewhere").append("requested", {})
    assert shown(midwatch) == ["requested"]
    assert midwatch("audit", "verify").out.startswith("as they were written: 2 records, 1 whole")


def test_fifty_are_shown_unless_more_are_asked_for(midwatch: Midwatch, folder: Path) -> None:
    log = AuditLog(folder, str)
    for number in range(60):
        log.append("requested", {"approval": f"b{number:02}"})
    assert len(midwatch("audit", "show").out.splitlines()) == 50
    assert len(midwatch("audit", "show", "-n", "55").out.splitlines()) == 55


@pytest.mark.usefixtures("story")
def test_the_story_of_an_approval(midwatch: Midwatch) -> None:
    ran = midwatch("audit", "show", "--approval", "k7m2xq")
    heads = [line for line in ran.out.splitlines() if not line.startswith(" ")]
    assert [head.split()[0] for head in heads] == ["requested", "approved", "started", "finished"]
    assert "  by                bo (cli)\n" in ran.out
    assert "  evidence.text     out of memory\n" in ran.out
    assert f"  reason            it hangs\n{'':20}since {visible(NOON)}\n" in ran.out
    assert "  arguments.service" in ran.out
    assert all(control not in ran.out for control in "\x1b\x9b\u202e")


def test_an_approval_that_is_not_told_apart_is_refused(midwatch: Midwatch, folder: Path) -> None:
    for name in ("k7aaaa", "k7bbbb"):
        log_of(folder).append("requested", {"approval": name})
    ran = midwatch("audit", "show", "--approval", "k7")
    assert (ran.status, ran.out) == (1, "")
    assert "2 approvals begin with 'k7'" in ran.said
    unknown = midwatch("audit", "show", "--approval", "zz")
    assert (unknown.status, unknown.out) == (1, "")
    assert "midwatch audit show" in unknown.said


@pytest.mark.parametrize("option", ["--since", "--until"])
@pytest.mark.parametrize("value", ["yesterday", "99999999999w", "2026-13-01"])
def test_a_time_that_cannot_be_used_is_named(midwatch: Midwatch, option: str, value: str) -> None:
    ran = midwatch("audit", "show", option, value)
    assert (ran.status, ran.out) == (1, "")
    assert f"{value!r} is neither" in ran.said
    assert "30m" in ran.said


def test_following_has_no_end(midwatch: Midwatch) -> None:
    assert midwatch("audit", "show", "--follow", "--until", "1h").status == 2


# verify


@pytest.mark.usefixtures("story")
def test_a_whole_log_is_said_to_be(midwatch: Midwatch, story: Path) -> None:
    ran = midwatch("audit", "verify")
    assert (ran.status, ran.err) == (0, "")
    checked = json.loads(midwatch("audit", "verify", "--json").out)
    last = checked["last"]
    assert checked["is_ok"] is True
    assert checked["fault"] is None
    assert checked["num_files"] == len(find_files(story))
    assert f"{checked['num_records']} records, {checked['num_files']} whole files" in ran.out
    assert last["hash"] in ran.out
    assert midwatch("audit", "verify", "--expect", last["hash"]).status == 0


def test_the_first_broken_record_is_named(midwatch: Midwatch, story: Path) -> None:
    path = find_files(story)[0].path
    path.write_bytes(path.read_bytes().replace(b"bo (cli)", b"cy (cli)", 1))
    ran = midwatch("audit", "verify")
    assert ran.status == 1
    first, second = ran.out.splitlines()
    assert first.startswith(f"changed: {path.name} line 3, record 3: ")
    assert second == "  before that, as they were written: 2 records, 0 whole files"
    ran = midwatch("audit", "verify", "--json")
    checked = json.loads(ran.out)
    assert (ran.status, checked["is_ok"]) == (1, False)
    fault = checked["fault"]
    assert (fault["what"], fault["file"], fault["line"], fault["seq"]) == (
        "changed",
        path.name,
        3,
        3,
    )
    shown = midwatch("audit", "show")
    assert "lines that are no records: 1" in shown.err
    assert "cy (cli)" not in shown.out


def test_a_log_that_was_cut_off_is_broken(midwatch: Midwatch, story: Path) -> None:
    find_files(story)[-1].path.unlink()
    ran = midwatch("audit", "verify")
    assert ran.status == 1
    assert ran.out.startswith("cut off: ")


def test_a_file_that_was_taken_away_is_missing(midwatch: Midwatch, story: Path) -> None:
    first = find_files(story)[0]
    first.path.unlink()
    ran = midwatch("audit", "verify")
    assert ran.status == 0
    assert f"not here, and not checked: {first.name}, records 1 to" in ran.out
    [missing] = json.loads(midwatch("audit", "verify", "--json").out)["missing"]
    assert missing["first_file"] == first.name
    assert missing["first_seq"] == 1


def test_what_a_killed_writer_left_is_told(midwatch: Midwatch, story: Path) -> None:
    path = find_files(story)[-1].path
    with path.open("ab") as file:
        file.write(b'{"torn')
    assert "a torn line of 6 bytes at the end" in midwatch("audit", "verify").out
    log_of(story).append("requested", {})
    assert "closed off: 1" in midwatch("audit", "verify").out
    head = (story / HEAD_NAME).read_bytes()
    AuditLog(story, str).append("requested", {})
    (story / HEAD_NAME).write_bytes(head)
    ran = midwatch("audit", "verify")
    assert ran.status == 0
    assert "the head does not name the last record" in ran.out


@pytest.mark.usefixtures("story")
def test_a_hash_that_the_log_lacks(midwatch: Midwatch) -> None:
    ran = midwatch("audit", "verify", "--expect", "a" * 64)
    assert ran.status == 1
    assert ran.out.startswith("not found: no record has the expected hash")
    assert midwatch("audit", "verify", "--expect", "abc").status == 2


# Following, as a process of its own


@pytest.fixture
def following(program: Program, story: Path) -> Iterator[subprocess.Popen[str]]:
    """`audit show --follow` that has shown the newest record."""
    process = program.start("audit", "show", "--follow", "-n", "1")
    assert process.stdout is not None
    assert "not on a Friday" in process.stdout.readline()
    yield process
    process.kill()
    process.communicate()


def test_following_goes_on_over_files_until_ctrl_c(
    following: subprocess.Popen[str], story: Path, program: Program
) -> None:
    assert following.stdout is not None
    num_files = len(find_files(story))
    log = AuditLog(story, str, max_file_bytes=1)
    for number in range(3):
        log.append("requested", {"approval": f"new{number}", "action": "restart_service"})
    assert len(find_files(story)) > num_files + 1
    seen = [following.stdout.readline() for _ in range(6)]
    approvals = [line.split()[4] for line in seen if "log_opened" not in line]
    assert approvals == ["new0", "new1", "new2"]
    following.send_signal(signal.SIGINT)
    ran = program.wait(following)
    assert (ran.status, ran.said) == (130, "interrupted\n")


def test_following_ends_when_nobody_reads_it(
    following: subprocess.Popen[str], program: Program
) -> None:
    """As in `audit show --follow | head`, also when nothing more is recorded."""
    assert following.stdout is not None
    following.stdout.close()
    assert following.stderr is not None
    assert following.wait(timeout=30) in (0, 1)
    assert following.stderr.read() == ""


def test_following_as_json_prints_a_record_a_line(program: Program, story: Path) -> None:
    process = program.start("audit", "show", "--follow", "--json", "-n", "2")
    assert process.stdout is not None
    try:
        first, second = (json.loads(process.stdout.readline()) for _ in range(2))
        assert (first["kind"], second["kind"]) == ("requested", "rejected")
        log_of(story).append("expired", {"approval": "p3wd9z"})
        lines = map(json.loads, process.stdout)
        assert next(line for line in lines if line["kind"] == "expired")["seq"] > second["seq"]
    finally:
        os.kill(process.pid, signal.SIGINT)
        process.communicate(timeout=30)
    assert process.returncode == 130
