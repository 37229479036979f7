import json
import signal
import socket
import stat
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from assistant.settings import Settings
from tests.assistant.cli.program import Program, Ran
from tools.logs.sources.origin import Fetched, Haul
from tools.scope import LogSource
from tools.window import Window

Midwatch = Callable[..., Ran]
SettingsFile = Callable[[str], Path]

ALL = '[logs]\njournal = "*"\ndocker = "*"\n[kubernetes]\nnamespaces = "shop"\n'


def lines(now: datetime) -> Iterator[str]:
    """Two hours, a line every 20 s; the last ten minutes are trouble."""
    for number in range(360):
        ago = timedelta(seconds=20 * (360 - number))
        text = "INFO shop order paid" if ago > timedelta(minutes=10) else "ERROR shop: no disk left"
        yield f"{now - ago:%Y-%m-%dT%H:%M:%SZ} {text}\n"


@dataclass
class Systems:
    """The journal with a unit, docker with a container, and what was asked of them."""

    notes: tuple[str, ...] = ()
    log_notes: tuple[str, ...] = ()
    has_logs: bool = True
    silent: str = "none"
    windows: list[Window] = field(default_factory=list)
    folders: list[Path] = field(default_factory=list)
    modes: list[int] = field(default_factory=list)

    def fetch(
        self, settings: Settings, window: Window, folder: Path, is_cancelled: Callable[[], bool]
    ) -> Haul:
        self.windows.append(window)
        self.folders.append(folder)
        self.modes.append(stat.S_IMODE(folder.stat().st_mode))
        assert not is_cancelled()
        names = ["journal:shop.service"] if settings.logs.journal else []
        names += ["docker:shop", "docker:till"] if settings.logs.docker else []
        names += ["kubernetes:shop/till/app"] if settings.kubernetes.namespaces else []
        answering = [name for name in names if not name.startswith(self.silent)]
        logs = [self._log(folder, name) for name in answering if self.has_logs]
        return Haul(tuple(logs), self.notes)

    def _log(self, folder: Path, name: str) -> Fetched:
        path = folder / f"{name.replace('/', '_')}.log"
        path.write_text("".join(lines(datetime.now(UTC))))
        return Fetched(LogSource(name, (path,)), 360, path.stat().st_size, self.log_notes)


@pytest.fixture
def systems(monkeypatch: pytest.MonkeyPatch) -> Systems:
    found = Systems()
    monkeypatch.setattr("assistant.live.fetch_logs", found.fetch)
    return found


def test_the_journal_by_its_name(
    midwatch: Midwatch, systems: Systems, settings_file: SettingsFile, tmp_path: Path
) -> None:
    settings_file(ALL)
    ran = midwatch("logs", "journal", "--since", "30m")
    assert (ran.status, ran.err) == (0, "")
    assert ran.out.startswith("journal:shop.service: 360 lines")
    assert "docker" not in ran.out
    assert "kubernetes" not in ran.out
    assert "ERROR x30  journal:shop.service:331" in ran.out
    assert "no disk left" in ran.out
    [folder] = systems.folders
    assert folder.parent == tmp_path / "data"
    assert not folder.exists()
    assert systems.modes == [0o700]
    assert str(folder) not in ran.out


@pytest.mark.parametrize(
    ("arguments", "minutes"),
    [
        ((), 180),
        (("--since", "30m"), 60),
        (("--since", "30m", "--baseline", "2h"), 150),
    ],
)
def test_what_came_before_is_fetched_too(
    arguments: tuple[str, ...],
    minutes: int,
    midwatch: Midwatch,
    systems: Systems,
    settings_file: SettingsFile,
) -> None:
    settings_file('[logs]\njournal = "*"\nwindow = "90m"\n')
    midwatch("logs", "journal", *arguments)
    [window] = systems.windows
    assert window.start is not None
    assert window.end is None
    ago = datetime.now(UTC) - window.start
    assert timedelta(0) <= ago - timedelta(minutes=minutes) < timedelta(minutes=1)


def test_every_origin_and_a_file_together(
    midwatch: Midwatch, systems: Systems, settings_file: SettingsFile, payments_log: Path
) -> None:
    settings_file(ALL)
    ran = midwatch("logs", "docker", payments_log, "kubernetes", "--json")
    names = [source["name"] for source in json.loads(ran.out)["sources"]]
    assert names == [
        *("docker:shop", "docker:till", str(payments_log), "kubernetes:shop/till/app"),
    ]
    assert len(systems.folders) == 1


def test_what_did_not_come_is_said(
    midwatch: Midwatch, systems: Systems, settings_file: SettingsFile
) -> None:
    settings_file(ALL)
    systems.notes = ("docker:till was left out: no log driver",)
    systems.log_notes = ("only the newest 360 lines are here",)
    ran = midwatch("logs", "docker", "--json")
    assert (ran.status, ran.err) == (0, "docker:till was left out: no log driver\n")
    sources = json.loads(ran.out)["sources"]
    assert all(source["notes"][-1] == systems.log_notes[0] for source in sources)


def test_one_system_that_does_not_answer_does_not_stop_the_others(
    midwatch: Midwatch, systems: Systems, settings_file: SettingsFile
) -> None:
    settings_file(ALL)
    systems.silent = "docker"
    systems.notes = ("docker: the engine is not there",)
    ran = midwatch("logs", "docker", "journal")
    assert (ran.status, ran.err) == (0, "docker: the engine is not there\n")
    assert ran.out.startswith("journal:shop.service: 360 lines")


def test_nothing_at_all_is_a_failure(
    midwatch: Midwatch, systems: Systems, settings_file: SettingsFile
) -> None:
    settings_file(ALL)
    systems.has_logs = False
    systems.notes = ("docker: the engine is not there",)
    ran = midwatch("logs", "docker")
    assert ran == Ran(
        1, "", "midwatch: no logs came from docker\n  docker: the engine is not there\n"
    )


@pytest.mark.parametrize(
    ("name", "setting"),
    [
        ("journal", "[logs] journal"),
        ("docker", "[logs] docker"),
        ("kubernetes", "[kubernetes] namespaces"),
    ],
)
def test_what_the_settings_do_not_name_is_not_read(
    name: str, setting: str, midwatch: Midwatch, systems: Systems
) -> None:
    ran = midwatch("logs", name)
    assert (ran.status, ran.out, systems.folders) == (1, "", [])
    assert f"{name} is not among the logs of the settings" in ran.said
    assert f"write {setting} = " in ran.said


def test_files_of_that_name_stay_files(
    midwatch: Midwatch, systems: Systems, settings_file: SettingsFile, payments_log: Path
) -> None:
    payments_log.rename("journal")
    assert midwatch("logs", "journal").out.startswith("journal: 400 lines")
    settings_file(f'[logs]\ndocker = "*"\n[logs.sources]\ndocker = "{Path.cwd()}/journal"\n')
    assert midwatch("logs", "docker").out.startswith("docker: 400 lines")
    assert systems.folders == []


def test_a_wrong_name_is_answered_with_those_there_are(
    midwatch: Midwatch, settings_file: SettingsFile
) -> None:
    settings_file('[logs]\njournal = "*"\n[logs.sources]\nshop = "/var/log/shop.log"\n')
    assert "sources in the settings: shop, journal\n" in midwatch("logs", "jornal").said


def test_an_interrupt_ends_the_fetch_and_leaves_nothing(program: Program) -> None:
    with (
        tempfile.TemporaryDirectory(prefix="mw-", dir="/tmp") as folder,
        socket.socket(socket.AF_UNIX) as engine,
    ):
        engine.bind(f"{folder}/docker.sock")
        engine.listen()
        engine.settimeout(60)
        program.environment |= {
            "DOCKER_HOST": f"unix://{folder}/docker.sock",
            "MIDWATCH_LOGS_DOCKER": "*",
            "MIDWATCH_LOGS_FETCH_TIMEOUT_S": "100",
        }
        process = program.start("logs", "docker")
        connection, _ = engine.accept()
        began = time.monotonic()
        process.send_signal(signal.SIGINT)
        ran = program.wait(process)
        connection.close()
    assert (ran.status, ran.out) == (130, "")
    assert ran.said == "interrupted\n"
    assert time.monotonic() - began < 50
    left = [path.name for path in Path(program.environment["MIDWATCH_DATA_DIR"]).iterdir()]
    assert left == ["redaction.key"]
