from __future__ import annotations

import errno
import os
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Generator, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

import psutil
import pytest

from assistant.errors import PullError
from assistant.models.catalog import CatalogEntry
from assistant.models.hub import HubSource
from assistant.models.partial import PartialFile
from assistant.models.progress import ModelProgress
from assistant.models.pull import SOURCES, free_disk_bytes, pull
from assistant.models.source import OnIncoming, SourceFailed
from assistant.models.store import ModelStore
from assistant.models.wheels import WheelSource

if TYPE_CHECKING:
    from conftest import Hub, StartPull

WORK_FILES_KEPT = {".small.gguf.lock", ".small.gguf.verified"}


@dataclass
class FakeSource:
    """Yields `content` in blocks from where it is asked to; after `fails_after` bytes it fails."""

    content: bytes
    fails_after: int | None = None
    name: str = "fake"
    starts: list[int] = field(default_factory=list)

    def scratch_bytes(self, entry: CatalogEntry) -> int:
        return 1_000

    def read(
        self, entry: CatalogEntry, start: int, scratch: Path, on_incoming: OnIncoming
    ) -> Generator[bytes]:
        self.starts.append(start)
        (scratch / "leftover").touch()
        end = len(self.content) if self.fails_after is None else self.fails_after
        for at in range(start, end, 10_000):
            on_incoming(min(15_000, end - at))
            yield self.content[at : min(at + 10_000, end)]
        if self.fails_after is not None:
            raise SourceFailed("it broke")


def files(store: ModelStore) -> set[str]:
    """What lies in the models folder, but for the lock and the stamp."""
    return {path.name for path in store.models_dir.iterdir()} - WORK_FILES_KEPT


def test_a_pulled_model_is_in_place_verified_and_alone(
    entry: CatalogEntry, store: ModelStore, content: bytes
) -> None:
    path = pull(entry, store, [FakeSource(content)])
    assert path == store.path(entry)
    assert path.read_bytes() == content
    assert store.is_verified(entry)
    assert files(store) == {"small.gguf"}


def test_a_model_that_is_there_is_not_fetched(
    entry: CatalogEntry, store: ModelStore, content: bytes
) -> None:
    pull(entry, store, [FakeSource(content)])
    second = FakeSource(content)
    assert pull(entry, store, [second]) == store.path(entry)
    assert second.starts == []


def test_a_file_put_there_by_hand_is_checked_and_kept(
    entry: CatalogEntry, store: ModelStore, content: bytes
) -> None:
    store.models_dir.mkdir()
    store.path(entry).write_bytes(content)
    source = FakeSource(content)
    pull(entry, store, [source])
    assert source.starts == []
    assert store.is_verified(entry)


@pytest.mark.parametrize("damage", [b"short", b"x" * 250_000])
def test_a_wrong_file_is_replaced(
    entry: CatalogEntry, store: ModelStore, content: bytes, damage: bytes
) -> None:
    store.models_dir.mkdir()
    store.path(entry).write_bytes(damage)
    pull(entry, store, [FakeSource(content)])
    assert store.path(entry).read_bytes() == content


def test_a_wrong_file_stays_until_the_right_one_is_whole(
    entry: CatalogEntry, store: ModelStore, content: bytes
) -> None:
    store.models_dir.mkdir()
    store.path(entry).write_bytes(b"mine")
    with pytest.raises(PullError):
        pull(entry, store, [FakeSource(content, fails_after=50_000)])
    assert store.path(entry).read_bytes() == b"mine"


def test_the_next_source_goes_on_where_the_first_broke(
    entry: CatalogEntry, store: ModelStore, content: bytes
) -> None:
    second = FakeSource(content)
    pull(entry, store, [FakeSource(content, fails_after=130_000), second])
    assert second.starts == [130_000]


def test_the_next_pull_goes_on_where_the_last_one_ended(
    entry: CatalogEntry, store: ModelStore, content: bytes
) -> None:
    with pytest.raises(PullError):
        pull(entry, store, [FakeSource(content, fails_after=70_000)])
    assert files(store) == {".small.gguf.partial"}
    second = FakeSource(content)
    pull(entry, store, [second])
    assert second.starts == [70_000]
    assert files(store) == {"small.gguf"}


def test_a_file_that_only_lacks_its_name_needs_no_source(
    entry: CatalogEntry, store: ModelStore, content: bytes
) -> None:
    store.models_dir.mkdir()
    (store.models_dir / ".small.gguf.partial").write_bytes(content)
    source = FakeSource(content)
    pull(entry, store, [source])
    assert source.starts == []
    assert files(store) == {"small.gguf"}


def test_what_nobody_can_use_is_removed(
    entry: CatalogEntry, store: ModelStore, content: bytes
) -> None:
    stale = store.models_dir / ".small.gguf.abc123.scratch"
    (stale / "deep").mkdir(parents=True)
    (store.models_dir / ".small.gguf.partial").write_bytes(content + b"too long")
    pull(entry, store, [FakeSource(content)])
    assert files(store) == {"small.gguf"}


def test_a_wrong_digest_names_both_and_leaves_nothing(
    entry: CatalogEntry, store: ModelStore
) -> None:
    with pytest.raises(PullError) as caught:
        pull(entry, store, [FakeSource(b"x" * entry.size_bytes)])
    assert f"expected {entry.sha256}, got " in caught.value.message
    assert files(store) == set()


def test_when_no_source_delivers_the_error_names_each_and_the_way_by_hand(
    entry: CatalogEntry, store: ModelStore
) -> None:
    first, second = FakeSource(b"", 0, "hub"), FakeSource(b"", 0, "wheels")
    with pytest.raises(PullError) as caught:
        pull(entry, store, [first, second])
    assert caught.value.message == ("small could not be fetched (hub: it broke; wheels: it broke)")
    assert "midwatch model pull small [--source hub|wheels]" in caught.value.hint
    assert str(store.path(entry)) in caught.value.hint
    assert entry.sha256 in caught.value.hint
    assert files(store) == set()


def test_too_little_space_is_refused_in_figures_before_anything_is_fetched(
    entry: CatalogEntry, store: ModelStore, content: bytes
) -> None:
    source = FakeSource(content)
    with pytest.raises(PullError, match=r"251\.0 kB needed, 251\.0 kB free"):
        pull(entry, store, [source], free_bytes=lambda _: 250_999)
    assert source.starts == []
    assert files(store) == set()


def test_what_has_arrived_needs_no_space_again(
    entry: CatalogEntry, store: ModelStore, content: bytes
) -> None:
    store.models_dir.mkdir()
    (store.models_dir / ".small.gguf.partial").write_bytes(content[:200_000])
    pull(entry, store, [FakeSource(content)], free_bytes=lambda _: 51_000)
    assert store.is_verified(entry)


def test_a_disk_that_runs_full_gets_its_space_back(
    entry: CatalogEntry, store: ModelStore, content: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    write = PartialFile.write

    def write_to_a_small_disk(partial: PartialFile, chunk: bytes) -> None:
        if partial.size + len(chunk) > 120_000:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        write(partial, chunk)

    monkeypatch.setattr(PartialFile, "write", write_to_a_small_disk)
    with pytest.raises(PullError, match=r"ran full: small has 250\.0 kB, and without .* are free"):
        pull(entry, store, [FakeSource(content)])
    assert files(store) == set()


def test_a_folder_that_may_not_be_written_is_an_error(
    entry: CatalogEntry, users_folder: Path, content: bytes
) -> None:
    store = ModelStore(users_folder / "models")
    store.models_dir.mkdir(mode=0o500)
    with pytest.raises(PullError, match="cannot be written: Permission denied"):
        pull(entry, store, [FakeSource(content)])


def test_a_file_in_the_place_of_the_folder_is_an_error(
    entry: CatalogEntry, store: ModelStore, content: bytes
) -> None:
    store.models_dir.write_text("not a folder")
    with pytest.raises(PullError, match="cannot be written"):
        pull(entry, store, [FakeSource(content)])


def test_free_space_is_known_before_the_folder_exists(tmp_path: Path) -> None:
    assert free_disk_bytes(tmp_path / "not" / "yet") > 0


def test_progress_counts_the_whole_file_and_never_runs_backwards(
    entry: CatalogEntry, store: ModelStore, content: bytes
) -> None:
    events: list[ModelProgress] = []
    broken, good = FakeSource(content, 130_000, name="hub"), FakeSource(content, name="wheels")
    pull(entry, store, [broken, good], progress=events.append)
    assert [event.bytes_done for event in events] == sorted(event.bytes_done for event in events)
    assert {event.bytes_total for event in events} == {250_000}
    assert events[0] == ModelProgress("small", "connecting", 0, 250_000, "hub")
    assert (
        ModelProgress("small", "connecting", 130_000, 250_000, "wheels", "hub: it broke") in events
    )
    assert events[-1].bytes_done == 250_000


def test_an_exception_from_progress_cancels_and_keeps_what_has_arrived(
    entry: CatalogEntry, store: ModelStore, content: bytes
) -> None:
    class Cancelled(Exception):
        pass

    def cancel(event: ModelProgress) -> None:
        if event.bytes_done >= 100_000:
            raise Cancelled

    with pytest.raises(Cancelled):
        pull(entry, store, [FakeSource(content)], progress=cancel)
    assert files(store) == {".small.gguf.partial"}


def test_the_sources_are_the_hub_and_then_the_wheels() -> None:
    assert list(SOURCES) == ["hub", "wheels"]
    assert [source.name for source in SOURCES.values()] == list(SOURCES)


def test_without_the_hub_the_wheels_deliver(
    wheels: list[Path], entry: CatalogEntry, store: ModelStore, content: bytes
) -> None:
    notes: list[str] = []
    path = pull(
        entry,
        store,
        [HubSource("http://127.0.0.1:9"), WheelSource()],
        progress=lambda event: notes.append(event.note),
    )
    assert path.read_bytes() == content
    assert "Connection refused" in notes[-1]


def test_wheels_finish_what_the_hub_began(
    hub: Hub,
    wheels: list[Path],
    entry: CatalogEntry,
    store: ModelStore,
    content: bytes,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("assistant.models.hub._MAX_RECONNECTS", 0)
    hub.cuts = [150_000]
    wheels[0].unlink()
    path = pull(entry, store, [HubSource(hub.endpoint), WheelSource()])
    assert path.read_bytes() == content


def test_a_hub_with_another_file_of_the_same_size_is_found_out(
    hub: Hub, entry: CatalogEntry, store: ModelStore
) -> None:
    with pytest.raises(PullError, match="arrived with a wrong SHA-256"):
        pull(replace(entry, sha256="0" * 64), store, [HubSource(hub.endpoint)])
    assert files(store) == set()


def test_a_killed_pull_is_taken_up_by_the_next(
    hub: Hub, entry: CatalogEntry, store: ModelStore, content: bytes, start_pull: StartPull
) -> None:
    hub.pause_s = 0.05
    process = start_pull(hub.endpoint)
    partial = store.models_dir / ".small.gguf.partial"
    _wait_until(lambda: partial.exists() and partial.stat().st_size > 0)
    process.kill()
    process.wait()
    arrived = partial.stat().st_size
    hub.pause_s = 0.0
    assert pull(entry, store, [HubSource(hub.endpoint)]).read_bytes() == content
    assert hub.starts == [0, arrived]
    assert files(store) == {"small.gguf"}


def test_of_two_pulls_at_once_one_fetches_and_both_have_the_file(
    hub: Hub, store: ModelStore, content: bytes, start_pull: StartPull
) -> None:
    hub.pause_s = 0.05
    processes = [start_pull(hub.endpoint), start_pull(hub.endpoint)]
    outputs = [process.communicate(timeout=20)[0] for process in processes]
    assert all(output.endswith(f"{store.models_dir / 'small.gguf'}\n") for output in outputs)
    assert sorted("waiting" in output for output in outputs) == [False, True]
    assert hub.starts == [0]
    assert files(store) == {"small.gguf"}


@pytest.fixture
def hanging_index(make_wheel: object, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A package index that takes connections and says nothing."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        monkeypatch.delenv("PIP_NO_INDEX")
        monkeypatch.setenv("PIP_INDEX_URL", f"http://127.0.0.1:{server.getsockname()[1]}/simple")
        yield


def test_an_interrupt_ends_pip_and_clears_up(
    hanging_index: None, store: ModelStore, start_pull: StartPull
) -> None:
    process = start_pull("")
    _wait_until(lambda: bool(_pips(process)))
    pips = _pips(process)
    process.send_signal(signal.SIGINT)
    output, _ = process.communicate(timeout=10)
    assert "KeyboardInterrupt" in output
    assert not any(pip.is_running() for pip in pips)
    assert files(store) == set()


def _pips(process: subprocess.Popen[str]) -> list[psutil.Process]:
    return [
        child
        for child in psutil.Process(process.pid).children(recursive=True)
        if "pip" in child.cmdline()
    ]


def _wait_until(condition: Callable[[], bool], timeout_s: float = 10.0) -> None:
    deadline = time.monotonic() + timeout_s
    while not condition():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.02)
