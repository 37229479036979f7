"""What changes a fingerprint, what does not, and what has none."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from assistant import live
from assistant.answers import fingerprint
from assistant.answers.fingerprint import (
    LIVE_MAX_AGE_S,
    Fingerprint,
    evidence_fingerprint,
    knowledge_digest,
)
from assistant.errors import SettingsError
from assistant.interface import AskRequest
from assistant.settings import (
    HostSettings,
    LogsSettings,
    MetricsSettings,
    ProbesSettings,
    Settings,
)
from tools.errors import BackendUnavailable
from tools.scope import ServiceState

QUIET = Settings(host=HostSettings(look=False))
BIG = "x" * 100_000


def touch_later(path: Path) -> None:
    """Move the file's time of change on, as a file system's clock would by itself."""
    found = path.stat()
    os.utime(path, ns=(found.st_atime_ns, found.st_mtime_ns + 1_000_000_000))


@pytest.fixture(autouse=True)
def settled(monkeypatch: pytest.MonkeyPatch) -> None:
    """Take files for settled at once, unless a test says otherwise."""
    monkeypatch.setattr(fingerprint, "_SETTLED_NS", 0)


@pytest.fixture
def bundle(tmp_path: Path) -> Path:
    folder = tmp_path / "bundle"
    (folder / "logs").mkdir(parents=True)
    (folder / "logs" / "pay.log").write_text(BIG)
    (folder / "df.txt").write_text("Use% 40%\n")
    (folder / "bundle.toml").write_text('now = "2026-03-01T12:00:00Z"\n')
    return folder


def of_bundle(folder: Path) -> Fingerprint | None:
    return evidence_fingerprint(AskRequest("why?", bundle=folder), QUIET)


def of_files(*paths: Path) -> Fingerprint | None:
    return evidence_fingerprint(AskRequest("why?", files=paths), QUIET)


def append(folder: Path) -> None:
    with (folder / "logs" / "pay.log").open("a") as file:
        file.write("one more\n")


def rewrite_in_place(folder: Path) -> None:
    (folder / "df.txt").write_text("Use% 41%\n")


def rewrite_and_set_times_back(folder: Path) -> None:
    path = folder / "df.txt"
    found = path.stat()
    path.write_text("Use% 41%\n")
    os.utime(path, ns=(found.st_atime_ns, found.st_mtime_ns))


def replace_by_a_copy(folder: Path) -> None:
    path = folder / "logs" / "pay.log"
    (folder / "copy").write_text(BIG)
    (folder / "copy").replace(path)


def add(folder: Path) -> None:
    (folder / "ps.txt").write_text("")


def remove(folder: Path) -> None:
    (folder / "df.txt").unlink()


def rename(folder: Path) -> None:
    (folder / "df.txt").rename(folder / "disk.txt")


def change_now(folder: Path) -> None:
    (folder / "bundle.toml").write_text('now = "2026-03-01T13:00:00Z"\n')


def touch(folder: Path) -> None:
    touch_later(folder / "logs" / "pay.log")


def link(folder: Path) -> None:
    (folder / "link.txt").symlink_to("nowhere")


@pytest.mark.parametrize(
    "change",
    [
        append,
        rewrite_in_place,
        rewrite_and_set_times_back,
        replace_by_a_copy,
        add,
        remove,
        rename,
        change_now,
        touch,
        link,
    ],
)
def test_any_change_in_a_bundle_is_another(change: Callable[[Path], None], bundle: Path) -> None:
    before = of_bundle(bundle)
    assert before is not None
    assert before.max_age_s is None
    assert of_bundle(bundle) == before
    change(bundle)
    assert of_bundle(bundle) not in (before, None)


def test_reading_and_hidden_files_change_nothing(bundle: Path) -> None:
    before = of_bundle(bundle)
    (bundle / "df.txt").read_text()
    (bundle / ".git").mkdir()
    (bundle / ".git" / "index").write_text("x")
    (bundle / ".swp").write_text("x")
    assert of_bundle(bundle) == before


def test_one_bundle_by_two_ways_is_one(bundle: Path, tmp_path: Path) -> None:
    (tmp_path / "way").symlink_to(bundle)
    assert of_bundle(tmp_path / "way") == of_bundle(bundle)


def test_where_a_link_leads_counts(bundle: Path, tmp_path: Path) -> None:
    (bundle / "shared.txt").symlink_to(bundle / "logs" / "pay.log")
    before = of_bundle(bundle)
    append(bundle)
    assert of_bundle(bundle) != before


def test_files_count_in_their_order(bundle: Path) -> None:
    one, two = bundle / "df.txt", bundle / "logs" / "pay.log"
    assert of_files(one, two) == of_files(one, two)
    assert len({of_files(one), of_files(two), of_files(one, two), of_files(two, one)}) == 4
    assert of_files(one) != of_bundle(one.parent)


def test_a_name_that_is_no_text_is_one(tmp_path: Path) -> None:
    path = Path(os.fsdecode(bytes(tmp_path) + b"/caf\xe9.log"))
    path.write_text("x")
    assert of_files(path) is not None
    assert of_bundle(tmp_path) is not None


def test_what_is_not_there_has_none(tmp_path: Path) -> None:
    assert of_bundle(tmp_path / "nothing") is None
    assert of_files(tmp_path / "nothing.log") is None


def test_standard_input_has_none(tmp_path: Path) -> None:
    (tmp_path / "stdin").write_text("x")
    request = AskRequest("why?", stdin_file=tmp_path / "stdin")
    assert evidence_fingerprint(request, QUIET) is None
    assert evidence_fingerprint(replace(request, files=(tmp_path / "stdin",)), QUIET) is None


def test_a_pipe_has_none_and_is_not_read(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.log")
    assert of_files(tmp_path / "pipe.log") is None
    assert of_bundle(tmp_path) is None


def test_what_the_kernel_makes_up_has_none() -> None:
    status = Path("/proc/self/status")
    assert status.stat().st_size == 0
    assert of_files(status) is None


def test_too_many_files_have_none(bundle: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fingerprint, "_MAX_FILES", 3)
    assert of_bundle(bundle) is not None
    add(bundle)
    assert of_bundle(bundle) is None


def test_a_large_file_that_was_just_written_has_none(
    bundle: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fingerprint, "_SETTLED_NS", 3600 * 10**9)
    assert of_files(bundle / "logs" / "pay.log") is None
    assert of_files(bundle / "df.txt") is not None  # by its content


class Manager:
    """A service manager of one service."""

    name = "supervisor"

    def __init__(self) -> None:
        self.state = ServiceState("pay", "RUNNING", True, "pid 7, uptime 0:00:01", 7)
        self.is_away = False

    def list_services(self) -> list[ServiceState]:
        if self.is_away:
            raise BackendUnavailable("supervisor does not answer", "start it")
        return [self.state]


@pytest.fixture
def manager(monkeypatch: pytest.MonkeyPatch) -> Manager:
    found = Manager()
    monkeypatch.setattr(live, "service_backends", lambda settings: [found])
    return found


@pytest.fixture
def live_settings(tmp_path: Path) -> Settings:
    (tmp_path / "pay.log").write_text(BIG)
    patterns = (str(tmp_path / "*.log"), str(tmp_path / "gone"))
    return QUIET.model_copy(update={"logs": LogsSettings(sources={"pay": patterns})})


def of_live(settings: Settings) -> Fingerprint | None:
    return evidence_fingerprint(AskRequest("why?"), settings)


def test_live_logs_and_services_have_one_for_a_minute(
    manager: Manager, live_settings: Settings, tmp_path: Path
) -> None:
    before = of_live(live_settings)
    assert before is not None
    assert before.max_age_s == LIVE_MAX_AGE_S
    manager.state = replace(manager.state, description="pid 7, uptime 0:00:09")
    assert of_live(live_settings) == before
    (tmp_path / "pay.log").write_text(BIG + "!")
    changed = of_live(live_settings)
    assert changed not in (before, None)
    (tmp_path / "gone").write_text("it is there")
    assert of_live(live_settings) not in (before, changed, None)


@pytest.mark.parametrize(
    "change",
    [
        {"state": "STOPPED"},
        {"pid": 8},
        {"exit_status": 1},
        {"name": "shop"},
        {"is_healthy": False},
        {"log_paths": (Path("/nowhere.log"),)},
    ],
)
def test_a_service_that_changed_is_another(
    change: dict[str, object], manager: Manager, live_settings: Settings
) -> None:
    before = of_live(live_settings)
    manager.state = replace(manager.state, **change)  # type: ignore[arg-type]
    assert of_live(live_settings) not in (before, None)


def test_why_a_service_is_not_well_counts(manager: Manager, live_settings: Settings) -> None:
    manager.state = replace(manager.state, is_healthy=False, description="exit 1")
    before = of_live(live_settings)
    manager.state = replace(manager.state, description="exit 2")
    assert of_live(live_settings) not in (before, None)


def test_a_manager_that_does_not_answer_leaves_none(
    manager: Manager, live_settings: Settings
) -> None:
    manager.is_away = True
    assert of_live(live_settings) is None


def test_settings_that_cannot_be_used_leave_none(
    monkeypatch: pytest.MonkeyPatch, live_settings: Settings
) -> None:
    def refuse(settings: Settings) -> list[Manager]:
        raise SettingsError("no such manager")

    monkeypatch.setattr(live, "service_backends", refuse)
    assert of_live(live_settings) is None


@pytest.mark.parametrize(
    "more",
    [
        {"host": HostSettings(look=True)},
        {"metrics": MetricsSettings(prometheus="http://127.0.0.1:9")},
        {"probes": ProbesSettings(allow=("127.0.0.1:9",))},
        {"logs": LogsSettings(journal=("nginx",))},
        {"logs": LogsSettings(docker=("*",))},
    ],
)
def test_what_cannot_be_known_has_none(more: dict[str, object]) -> None:
    assert of_live(QUIET) is not None
    assert of_live(QUIET.model_copy(update=more)) is None


def test_knowledge_changes_with_what_is_held_and_with_the_files(tmp_path: Path) -> None:
    runbook = tmp_path / "cache.md"
    runbook.write_text("# Cache\n")
    held = {runbook: "d1", tmp_path / "gone.md": "d2"}
    before = knowledge_digest(held)
    seen = {before, knowledge_digest(dict(reversed(held.items())))}
    assert len(seen) == 1
    seen |= {knowledge_digest({}), knowledge_digest({**held, runbook: "d3"})}
    (tmp_path / "gone.md").write_text("back")
    seen.add(knowledge_digest(held))
    runbook.write_text("# Cache, once more\n")
    seen.add(knowledge_digest(held))
    assert len(seen) == 5
    assert None not in seen


def test_knowledge_of_a_file_just_written_has_none(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fingerprint, "_SETTLED_NS", 3600 * 10**9)
    runbook = tmp_path / "cache.md"
    runbook.write_text("# Cache\n")
    assert knowledge_digest({runbook: "d1"}) is None
    assert knowledge_digest({tmp_path / "gone.md": "d1"}) is not None
