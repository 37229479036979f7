from pathlib import Path

from tools.scope import ServiceState
from tools.services.sources import log_sources_of


def state(name: str, *logs: Path) -> ServiceState:
    return ServiceState(name, "RUNNING", is_healthy=True, log_paths=logs)


def test_rotated_files_come_first_and_oldest_first(tmp_path: Path) -> None:
    for name in ("web.log", "web.log.1", "web.log.2.gz", "web.log.10", "web.log.old", "xweb.log.1"):
        (tmp_path / name).write_text("x")
    sources = log_sources_of([state("web", tmp_path / "web.log")])
    assert [path.name for path in sources["web"].paths] == [
        "web.log.10",
        "web.log.2.gz",
        "web.log.1",
        "web.log",
    ]


def test_both_streams_of_a_service_are_one_source(tmp_path: Path) -> None:
    out, err = tmp_path / "out.log", tmp_path / "err.log"
    out.touch()
    err.touch()
    assert log_sources_of([state("web", out, err)])["web"].paths == (out, err)


def test_a_service_without_regular_log_files_has_no_source(tmp_path: Path) -> None:
    states = [
        state("none"),
        state("device", Path("/dev/null")),
        state("gone", tmp_path / "missing" / "x.log"),
        state("folder", tmp_path),
    ]
    assert log_sources_of(states) == {}
