from __future__ import annotations

import struct
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from tools.errors import BackendUnavailable
from tools.logs.sources.docker_containers import DockerTarget
from tools.logs.sources.docker_logs import DockerOrigin
from tools.logs.sources.origin import Fetched, Haul
from tools.logs.sources.spool import MAX_LINE_BYTES
from tools.logs.sources.watch import FetchLimits, FetchWatch
from tools.window import EVERYTHING, Window

API = "/v1.44"
LIMITS = FetchLimits(timeout_s=30)


def line(second: int, text: str) -> bytes:
    return f"2026-03-01T12:00:{second:02}.123456789Z {text}\n".encode()


def frame(stream: int, data: bytes) -> bytes:
    return struct.pack(">B3xL", stream, len(data)) + data


def at(hour: int, minute: int = 0) -> datetime:
    return datetime(2026, 3, 1, hour, minute, tzinfo=UTC)


@pytest.fixture
def add(docker: Any) -> Callable[..., str]:
    """Adds a container to the engine and returns the path of its log."""
    listed: list[dict[str, object]] = []
    docker.json(f"{API}/containers/json", listed)

    def add_container(name: str, *, tty: bool = False, **state: object) -> str:
        listed.append({"Id": f"id-{name}", "Names": [f"/{name}"], "State": "running"})
        docker.json(f"{API}/containers/json", listed)
        running = {
            "Status": "running",
            "Pid": 7,
            "StartedAt": "2026-03-01T11:00:00.123456789Z",
            "FinishedAt": "0001-01-01T00:00:00Z",
        }
        described = {
            "Id": f"id-{name}",
            "Name": f"/{name}",
            "State": running | state,
            "Config": {"Tty": tty},
            "RestartCount": 0,
        }
        docker.json(f"{API}/containers/id-{name}/json", described)
        return f"{API}/containers/id-{name}/logs"

    return add_container


def fetch(folder: Path, *containers: str, limits: FetchLimits = LIMITS) -> Haul:
    return DockerOrigin(DockerTarget(containers)).fetch(EVERYTHING, folder, limits)


def text_of(log: Fetched) -> str:
    return "".join(path.read_text() for path in log.source.paths)


def test_each_container_is_a_log_with_both_streams_in_order(
    docker: Any, add: Callable[..., str], tmp_path: Path
) -> None:
    first, second, third = line(1, "up"), line(2, "oops"), line(3, "again up")
    docker.raw(add("web"), frame(1, first) + frame(2, second), frame(1, third))
    docker.raw(add("db"), b"")
    haul = fetch(tmp_path)
    assert [log.source.name for log in haul.logs] == ["docker:web", "docker:db"]
    assert [log.lines for log in haul.logs] == [3, 0]
    assert text_of(haul.logs[0]).encode() == first + second + third
    assert text_of(haul.logs[1]) == ""
    assert (haul.notes, haul.logs[0].notes) == ((), ())


def test_with_a_terminal_the_log_is_not_in_frames(
    docker: Any, add: Callable[..., str], tmp_path: Path
) -> None:
    docker.raw(add("shell", tty=True), line(1, "\x1b[31mraw\x1b[0m\r"))
    (log,) = fetch(tmp_path).logs
    assert text_of(log) == "2026-03-01T12:00:01.123456789Z \x1b[31mraw\x1b[0m\r\n".replace(
        "\r\n", "\n"
    )


def test_the_window_and_the_limit_are_asked_of_the_engine(
    docker: Any, add: Callable[..., str], tmp_path: Path
) -> None:
    path = add("web")
    docker.raw(path, b"")
    limits = FetchLimits(max_log_lines=500)
    for name, window in {"open": Window(at(11)), "closed": Window(at(11), at(12))}.items():
        (tmp_path / name).mkdir()
        DockerOrigin().fetch(window, tmp_path / name, limits)
    asked = [request.query for request in docker.requests if request.path == path]
    common = {"stdout": "1", "stderr": "1", "timestamps": "1", "since": f"{at(11).timestamp():.6f}"}
    assert asked == [common | {"tail": "500"}, common | {"until": f"{at(12).timestamp():.6f}"}]


def test_what_did_not_run_within_the_window_is_only_read_when_named(
    docker: Any, add: Callable[..., str], tmp_path: Path
) -> None:
    docker.raw(add("web"), b"")
    ended = {"Status": "exited", "Pid": 0, "FinishedAt": "2026-03-01T11:30:00Z"}
    docker.raw(add("old", **ended), b"")
    docker.raw(add("unborn", Status="created", Pid=0, StartedAt="0001-01-01T00:00:00Z"), b"")
    names: list[list[str]] = []
    for number, (containers, start) in enumerate([((), 11), ((), 12), (("o*",), 12)]):
        (tmp_path / str(number)).mkdir()
        origin = DockerOrigin(DockerTarget(containers))
        haul = origin.fetch(Window(at(start)), tmp_path / str(number), LIMITS)
        names.append([log.source.name for log in haul.logs])
    assert names == [["docker:web", "docker:old"], ["docker:web"], ["docker:old"]]


def test_a_container_that_is_not_there_is_a_note(
    docker: Any, add: Callable[..., str], tmp_path: Path
) -> None:
    docker.raw(add("web"), b"")
    haul = fetch(tmp_path, "web", "wbe\n")
    assert [log.source.name for log in haul.logs] == ["docker:web"]
    assert haul.notes == ("there is no container wbe",)


def test_one_unreadable_log_is_a_note(docker: Any, add: Callable[..., str], tmp_path: Path) -> None:
    docker.raw(add("web"), frame(1, line(1, "up")))
    message = "configured logging driver does not support reading"
    docker.json(add("gelf"), {"message": message}, status=500)
    add("gone")
    haul = fetch(tmp_path)
    assert [log.source.name for log in haul.logs] == ["docker:web"]
    assert haul.notes == (
        f"docker:gelf was left out: 500 {message}",
        "docker:gone was left out: 404 not found here",
    )


def test_a_container_that_goes_while_it_is_looked_at_is_a_note(
    docker: Any, add: Callable[..., str], tmp_path: Path
) -> None:
    docker.raw(add("web"), b"")
    add("gone")
    docker.json(f"{API}/containers/id-gone/json", {"message": "No such container"}, status=404)
    haul = fetch(tmp_path)
    assert [log.source.name for log in haul.logs] == ["docker:web"]
    assert haul.notes == ("container id-gone was left out: 404 No such container",)


def test_a_reset_connection_leaves_what_came(
    docker: Any, add: Callable[..., str], tmp_path: Path
) -> None:
    docker.raw(add("web"), frame(1, line(1, "up")), frame(2, line(2, "half"))[:-9], ends=False)
    (log,) = fetch(tmp_path).logs
    assert text_of(log).encode() == line(1, "up") + line(2, "half")[:-9] + b"\n"
    assert log.notes == ("the log breaks off here: the connection broke off",)


def test_what_stalls_ends_at_the_time_limit_and_leaves_what_came(
    docker: Any, add: Callable[..., str], tmp_path: Path
) -> None:
    docker.stalls(add("slow"), frame(1, line(1, "up")))
    docker.raw(add("web"), frame(1, line(2, "up")))
    haul = fetch(tmp_path, limits=FetchLimits(timeout_s=0.6))
    assert [text_of(log).encode() for log in haul.logs] == [line(1, "up"), line(2, "up")]
    assert haul.logs[0].notes == ("the log breaks off here: the time limit of 0.6 s was reached",)
    assert haul.logs[1].notes == ()


def test_what_stalls_is_no_whole_log_even_where_no_length_is_known(
    docker: Any, add: Callable[..., str], tmp_path: Path
) -> None:
    docker.stalls(add("slow", tty=True), line(1, "up"), is_chunked=False)
    (log,) = fetch(tmp_path, limits=FetchLimits(timeout_s=0.6)).logs
    assert text_of(log).encode() == line(1, "up")
    assert log.notes == ("the log breaks off here: the time limit of 0.6 s was reached",)


def test_an_endless_log_ends_at_the_limit_with_its_newest_lines(
    docker: Any, add: Callable[..., str], tmp_path: Path
) -> None:
    docker.endless(add("web"), frame(1, line(1, "x" * 200)) * 50)
    (log,) = fetch(tmp_path, limits=FetchLimits(max_log_bytes=256 * 1024)).logs
    size = sum(path.stat().st_size for path in log.source.paths)
    assert size == log.size_bytes
    assert 128 * 1024 <= size <= 257 * 1024
    assert log.notes == (
        "the log breaks off here: it is longer than 1.0 MiB",
        f"only the newest {log.lines:,} lines are here",
    )


def test_the_limit_for_all_logs_together_ends_the_fetch(
    docker: Any, add: Callable[..., str], tmp_path: Path
) -> None:
    for name in ("a", "b", "c"):
        docker.endless(add(name), frame(1, line(1, "x" * 200)) * 50)
    haul = fetch(tmp_path, limits=FetchLimits(max_total_bytes=1 << 20))
    reason = "the limit of 1.0 MiB for all logs together was reached"
    assert len(haul.logs) == 3
    assert all(log.notes[0] == f"the log breaks off here: {reason}" for log in haul.logs)


def test_a_cancelled_fetch_ends_a_read_that_waits(
    docker: Any, add: Callable[..., str], tmp_path: Path
) -> None:
    docker.stalls(add("slow"), frame(1, line(1, "up")))
    watch = FetchWatch(LIMITS, is_cancelled=docker.is_holding_in_main_thread)
    (log,) = DockerOrigin().fetch(EVERYTHING, tmp_path, LIMITS, watch).logs
    assert text_of(log).encode() == line(1, "up")
    assert log.notes[0].startswith("the log breaks off here")


def test_a_frame_of_four_gigabytes_and_an_endless_line_take_no_room(
    docker: Any, add: Callable[..., str], tmp_path: Path
) -> None:
    head = struct.pack(">B3xL", 1, 0xFFFFFFFF)
    docker.raw(add("web"), head + line(1, "begins"), *([b"x" * (1 << 20)] * 20), ends=False)
    (log,) = fetch(tmp_path).logs
    assert log.lines == 2
    assert log.size_bytes == len(line(1, "begins")) + MAX_LINE_BYTES + 1
    assert "1 lines longer than 64.0 KiB were cut" in log.notes


def test_what_is_no_frame_ends_the_log(
    docker: Any, add: Callable[..., str], tmp_path: Path
) -> None:
    docker.raw(add("web"), frame(1, line(1, "up")), b"HTTP/1.1 500 Oh no\r\n\r\n")
    (log,) = fetch(tmp_path).logs
    assert text_of(log).encode() == line(1, "up")
    assert "not in the form of docker's logs" in log.notes[0]


def test_hostile_names_stay_in_the_folder_and_on_one_line(docker: Any, tmp_path: Path) -> None:
    listed = [{"Id": f"c{number}", "Names": ["/x"]} for number in range(3)]
    docker.json(f"{API}/containers/json", listed)
    unprintable = "/a\nb\x1b[2J\u202e"
    for number, name in enumerate(["/../../etc/passwd", unprintable, unprintable]):
        state = {"Status": "running", "Pid": 7, "StartedAt": "2026-03-01T11:00:00Z"}
        described = {"Id": f"c{number}", "Name": name, "State": state}
        docker.json(f"{API}/containers/c{number}/json", described)
        docker.raw(f"{API}/containers/c{number}/logs", b"")
    haul = fetch(tmp_path)
    assert [log.source.name for log in haul.logs] == [
        "docker:../../etc/passwd",
        "docker:a b?[2J?",
        "docker:a b?[2J? (2)",
    ]
    assert {path.parent for log in haul.logs for path in log.source.paths} == {tmp_path}


def test_more_containers_than_the_limit_are_counted(
    docker: Any, add: Callable[..., str], tmp_path: Path
) -> None:
    for number in range(5):
        docker.raw(add(f"c{number}"), b"")
    haul = fetch(tmp_path, limits=FetchLimits(max_logs=2))
    assert [log.source.name for log in haul.logs] == ["docker:c0", "docker:c1"]
    assert haul.notes == ("3 of 5 containers were not looked at",)


def test_only_get_is_ever_sent(docker: Any, add: Callable[..., str], tmp_path: Path) -> None:
    docker.raw(add("web"), b"")
    fetch(tmp_path)
    DockerOrigin().check()
    assert {request.method for request in docker.requests} == {"GET"}


def test_an_engine_that_refuses_to_list_is_unavailable(docker: Any, tmp_path: Path) -> None:
    docker.json(f"{API}/containers/json", {"message": "authorization denied"}, status=403)
    with pytest.raises(BackendUnavailable, match="403 authorization denied"):
        fetch(tmp_path)


@pytest.mark.parametrize("answer", [[{"Id": "../x"}], {"a": 1}, [3], "x"])
def test_another_server_is_no_engine(docker: Any, tmp_path: Path, answer: object) -> None:
    docker.json(f"{API}/containers/json", answer)
    with pytest.raises(BackendUnavailable, match="not a docker engine"):
        fetch(tmp_path)


def test_the_check_says_how_many_containers_there_are(docker: Any, add: Callable[..., str]) -> None:
    add("web")
    assert DockerOrigin().check().words == "docker: 1 containers"
    missing = DockerOrigin(DockerTarget(("web", "db"))).check()
    assert (missing.is_ok, missing.words) == (False, "docker: there is no container db")


def test_the_check_never_raises(short_dir: Path) -> None:
    check = DockerOrigin(DockerTarget(url=f"unix://{short_dir}/none.sock")).check()
    assert not check.is_ok
    assert "no such socket" in check.words
