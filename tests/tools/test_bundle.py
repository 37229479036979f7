import gzip
import json
import os
from datetime import UTC, datetime
from pathlib import Path

import pytest

from tools.bundle import attach_files, open_bundle
from tools.errors import InvalidQuery, SourceNotFound, SourceUnreadable

LINE = "2025-01-02 03:04:05 INFO ok\n"


def write(root: Path, files: dict[str, str]) -> Path:
    for name, text in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return root


def names(paths: tuple[Path, ...]) -> list[str]:
    return [path.name for path in paths]


def test_logs_and_captures_are_told_apart(tmp_path: Path) -> None:
    scope = open_bundle(
        write(
            tmp_path,
            {
                "logs/app": LINE,
                "db.log": LINE,
                "events.jsonl": '{"ts": "2025-01-02T03:04:05Z"}\n',
                "captures/df.txt": "Use%\n",
                "captures/index.jsonl": json.dumps(
                    {"file": "df.txt", "command": "df", "params": {"h": True}, "status": "error"}
                )
                + "\nrubbish\n[]\n",
                "alert.json": "{}\n",
                ".hidden": "x",
            },
        )
    )
    assert sorted(scope.logs) == ["app", "db", "events"]
    assert sorted(scope.captures) == ["alert.json", "df.txt"]
    assert scope.captures["df.txt"].command == "df h=True"
    assert not scope.captures["df.txt"].succeeded
    assert scope.origin == "bundle"


def test_rotated_files_are_one_source_oldest_first(tmp_path: Path) -> None:
    files = [
        "app.log",
        "app.log.1",
        "app.log.10",
        "app.log.2",
        "web-20250101.log",
        "web-20250102.log",
    ]
    scope = open_bundle(write(tmp_path, {f"logs/{name}": LINE for name in files}))
    assert names(scope.logs["app"].paths) == ["app.log.10", "app.log.2", "app.log.1", "app.log"]
    assert names(scope.logs["web"].paths) == ["web-20250101.log", "web-20250102.log"]


def test_gzipped_rotated_logs(tmp_path: Path) -> None:
    write(tmp_path, {"app.log": LINE})
    (tmp_path / "app.log.1.gz").write_bytes(gzip.compress(LINE.encode()))
    assert names(open_bundle(tmp_path).logs["app"].paths) == ["app.log.1.gz", "app.log"]


def test_a_second_fetch_joins_only_when_it_continues_the_first(tmp_path: Path) -> None:
    scope = open_bundle(
        write(
            tmp_path,
            {
                "logs/a.log": LINE,
                "logs/a_2.log": "2025-01-02 04:00:00 INFO later\n",
                "logs/b.log": LINE,
                "logs/b_2.log": LINE,
                "logs/c-7f6.log": LINE,
            },
        )
    )
    assert names(scope.logs["a"].paths) == ["a.log", "a_2.log"]
    assert sorted(scope.logs) == ["a", "b", "b_2", "c-7f6"]


def test_equal_names_in_two_folders_stay_apart(tmp_path: Path) -> None:
    scope = open_bundle(write(tmp_path, {"x/logs/app.log": LINE, "y/app.log": LINE}))
    assert len(scope.logs) == 2


def test_now_from_bundle_toml(tmp_path: Path) -> None:
    write(tmp_path, {"a.log": LINE, "bundle.toml": 'now = "2025-02-03T04:05:06+01:00"\n'})
    assert open_bundle(tmp_path).now == datetime(2025, 2, 3, 3, 5, 6, tzinfo=UTC)
    write(tmp_path, {"bundle.toml": "now = 2025-02-03T04:05:06Z\n"})
    assert open_bundle(tmp_path).now == datetime(2025, 2, 3, 4, 5, 6, tzinfo=UTC)


def test_now_is_the_newest_time_in_the_logs(tmp_path: Path) -> None:
    write(tmp_path, {"a.log": LINE, "b.log": "2025-01-02 05:00:00 x\n2025-01-02 04:00:00 y\n"})
    assert open_bundle(tmp_path).now == datetime(2025, 1, 2, 5, tzinfo=UTC)


def test_now_is_the_newest_file_without_times(tmp_path: Path) -> None:
    write(tmp_path, {"a.log": "no time\n"})
    os.utime(tmp_path / "a.log", (1_700_000_000, 1_700_000_000))
    assert open_bundle(tmp_path).now == datetime.fromtimestamp(1_700_000_000, UTC)


@pytest.mark.parametrize("text", ["now = 12:00:00\n", 'now = "later"\n'])
def test_a_bad_now_is_refused(tmp_path: Path, text: str) -> None:
    write(tmp_path, {"a.log": LINE, "bundle.toml": text})
    with pytest.raises(InvalidQuery, match="is not a time"):
        open_bundle(tmp_path)


def test_a_broken_bundle_toml_is_refused(tmp_path: Path) -> None:
    write(tmp_path, {"a.log": LINE, "bundle.toml": "now = = 3"})
    with pytest.raises(SourceUnreadable, match=r"bundle\.toml cannot be used"):
        open_bundle(tmp_path)


def test_links_out_of_the_bundle_are_not_followed(tmp_path: Path) -> None:
    outside = write(tmp_path / "outside", {"secret.log": LINE})
    root = write(tmp_path / "bundle", {"a.log": LINE})
    (root / "secret.log").symlink_to(outside / "secret.log")
    (root / "folder").symlink_to(outside)
    (root / "loop").symlink_to(root)
    (root / "again.log").symlink_to(root / "a.log")
    assert sorted(open_bundle(root).logs) == ["a", "again"]


def test_binary_files_are_no_captures(tmp_path: Path) -> None:
    write(tmp_path, {"a.log": LINE})
    (tmp_path / "core").write_bytes(b"\x7fELF\0")
    assert open_bundle(tmp_path).captures == {}


def test_nothing_is_written(tmp_path: Path) -> None:
    write(tmp_path, {"a.log": LINE, "captures/x.txt": "x\n"})
    before = sorted((str(p), p.stat().st_mtime_ns) for p in tmp_path.rglob("*"))
    open_bundle(tmp_path)
    assert sorted((str(p), p.stat().st_mtime_ns) for p in tmp_path.rglob("*")) == before


def test_missing_empty_or_not_a_folder(tmp_path: Path) -> None:
    write(tmp_path, {"a.log": LINE})
    (tmp_path / "empty").mkdir()
    for path in (tmp_path / "none", tmp_path / "a.log", tmp_path / "empty"):
        with pytest.raises(SourceNotFound) as caught:
            open_bundle(path)
        assert caught.value.hint


def test_attached_files_are_logs_or_captures(tmp_path: Path) -> None:
    write(tmp_path, {"a.log": "", "messages": LINE * 3, "df.txt": "Use%\n40%\n", "in": LINE})
    paths = [tmp_path / name for name in ("a.log", "messages", "df.txt")]
    scope = attach_files(paths, tmp_path / "in")
    assert sorted(scope.logs) == ["a.log", "messages", "stdin"]
    assert sorted(scope.captures) == ["df.txt"]
    assert (scope.origin, scope.now) == ("files", datetime(2025, 1, 2, 3, 4, 5, tzinfo=UTC))


def test_attached_files_that_cannot_be_read(tmp_path: Path) -> None:
    (tmp_path / "core").write_bytes(b"\0\0")
    with pytest.raises(SourceUnreadable, match="not a text file"):
        attach_files([tmp_path / "core"])
    with pytest.raises(SourceNotFound):
        attach_files([tmp_path / "none"])
    with pytest.raises(SourceUnreadable, match="is a directory"):
        attach_files([tmp_path])


def test_nothing_attached_is_an_empty_scope() -> None:
    scope = attach_files([])
    assert (scope.logs, scope.captures) == ({}, {})


def test_metrics_alone_are_evidence_and_say_what_now_is(tmp_path: Path) -> None:
    table = tmp_path / "metrics" / "load.csv"
    table.parent.mkdir()
    table.write_text(
        "timestamp,metric,value\n2026-03-01T12:00:00Z,load1,1\n2026-03-01T12:05:00Z,load1,2\n"
    )
    scope = open_bundle(tmp_path)
    assert scope.metrics is not None
    assert scope.metrics.name == "metrics/load.csv"
    assert (scope.logs, scope.captures) == ({}, {})
    assert scope.now == datetime(2026, 3, 1, 12, 5, tzinfo=UTC)


def test_captures_say_what_now_is_by_their_own_times(tmp_path: Path) -> None:
    (tmp_path / "date.txt").write_text(
        "2026-03-01T12:00:00Z taken\nvalid until 2999-01-01T00:00:00Z\n"
    )
    assert open_bundle(tmp_path).now == datetime(2026, 3, 1, 12, tzinfo=UTC)


def test_a_capture_that_is_a_copy_of_a_log_is_no_evidence_of_its_own(tmp_path: Path) -> None:
    (tmp_path / "logs").mkdir()
    line = "2026-03-01T12:00:00Z ERROR declined\n"
    (tmp_path / "logs" / "pay.log").write_text(line)
    (tmp_path / "kubectl_logs.txt").write_text(line)
    (tmp_path / "other.txt").write_text(line.replace("12", "13"))
    assert list(open_bundle(tmp_path).captures) == ["other.txt"]
