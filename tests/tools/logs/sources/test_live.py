from __future__ import annotations

import threading
from dataclasses import dataclass, field
from pathlib import Path

from tools.errors import BackendUnavailable
from tools.logs.sources.docker_containers import DockerTarget
from tools.logs.sources.journal import JournalTarget
from tools.logs.sources.kube_cluster import KubernetesTarget
from tools.logs.sources.live import LiveSystems, fetch_live, origins, service_backends
from tools.logs.sources.origin import Check, Fetched, Haul
from tools.logs.sources.watch import FetchLimits, FetchWatch
from tools.scope import LogSource
from tools.window import EVERYTHING, Window

ALL = LiveSystems(JournalTarget(), DockerTarget(), KubernetesTarget(("shop",)))


@dataclass
class FakeOrigin:
    name: str
    error: BackendUnavailable | None = None
    stuck: threading.Event | None = None
    folders: list[Path] = field(default_factory=list)

    def fetch(
        self, window: Window, folder: Path, limits: FetchLimits, watch: FetchWatch | None = None
    ) -> Haul:
        self.folders.append(folder)
        if self.stuck:
            self.stuck.wait(30)
        if self.error:
            raise self.error
        path = folder / "a.log"
        path.write_text("x\n")
        return Haul((Fetched(LogSource(f"{self.name}:a", (path,)), 1, 2),), ("a note",))

    def check(self) -> Check:
        return Check(True, "")


def test_what_is_set_up_is_an_origin_and_a_service_manager() -> None:
    assert [origin.name for origin in origins(ALL)] == ["journal", "docker", "kubernetes"]
    assert [backend.name for backend in service_backends(ALL)] == ["docker", "kubernetes"]
    assert origins(LiveSystems()) == []
    assert service_backends(LiveSystems(journal=JournalTarget())) == []


def test_each_origin_has_a_folder_that_only_its_user_may_open(tmp_path: Path) -> None:
    fakes = [FakeOrigin("one"), FakeOrigin("two")]
    haul = fetch_live(fakes, EVERYTHING, tmp_path, FetchLimits())
    assert [log.source.name for log in haul.logs] == ["one:a", "two:a"]
    assert haul.notes == ("a note", "a note")
    assert [fake.folders for fake in fakes] == [[tmp_path / "one"], [tmp_path / "two"]]
    assert {(tmp_path / name).stat().st_mode & 0o777 for name in ("one", "two")} == {0o700}


def test_an_origin_that_cannot_be_read_is_a_note(tmp_path: Path) -> None:
    broken = FakeOrigin("docker", BackendUnavailable("no such socket", "start it"))
    haul = fetch_live([broken, FakeOrigin("two")], EVERYTHING, tmp_path, FetchLimits())
    assert [log.source.name for log in haul.logs] == ["two:a"]
    assert haul.notes == ("docker: no such socket; start it", "a note")


def test_a_folder_that_cannot_be_written_is_a_note(tmp_path: Path) -> None:
    haul = fetch_live([FakeOrigin("docker")], EVERYTHING, tmp_path / "none", FetchLimits())
    assert haul.notes == (
        f"docker: {tmp_path}/none/docker cannot be written: No such file or directory",
    )


def test_an_origin_that_hangs_does_not_hold_the_others(tmp_path: Path) -> None:
    stuck = threading.Event()
    fakes = [FakeOrigin("docker", stuck=stuck), FakeOrigin("two")]
    limits = FetchLimits(timeout_s=0.2)
    haul = fetch_live(fakes, EVERYTHING, tmp_path, limits)
    assert [log.source.name for log in haul.logs] == ["two:a"]
    assert haul.notes[0] == "docker did not answer: the time limit of 0.2 s was reached"
    stuck.set()
