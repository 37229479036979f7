"""Watches over real files. Nothing is timed: each test waits for the change that it made."""

from __future__ import annotations

import os
import queue
import shutil
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NoReturn, Self

import pytest
import watchfiles

from knowledge import watching
from knowledge.watching import changes

Write = Callable[[str, str | bytes], Path]
PATIENCE_S = 60.0


class Watcher:
    """A watch on a thread of its own, and what it has said so far."""

    def __init__(self, *roots: Path, is_polling: bool = False) -> None:
        self.notes: list[str] = []
        self._stop = threading.Event()
        self._sets: queue.Queue[frozenset[Path] | None] = queue.Queue()
        self._roots = roots
        self._is_polling = is_polling
        self._thread = threading.Thread(target=self._run)

    def _run(self) -> None:
        polling = self._is_polling
        for changed in changes(self._roots, self._stop, self.notes.append, is_polling=polling):
            self._sets.put(changed)
        self._sets.put(None)

    def __enter__(self) -> Self:
        self._thread.start()
        assert self._sets.get(timeout=PATIENCE_S) == frozenset()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join(PATIENCE_S)
        assert not self._thread.is_alive()

    def wait_for(self, *paths: Path) -> set[Path]:
        """All that changed from here on until each of `paths` has."""
        seen: set[Path] = set()
        while not seen.issuperset(paths):
            changed = self._sets.get(timeout=PATIENCE_S)
            assert changed, "an empty set is the first one's"
            seen |= changed
        return seen


@pytest.fixture(autouse=True)
def _impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(watching, "POLL_S", 0.05)
    monkeypatch.setattr(watching, "_TICK_MS", 50)
    monkeypatch.setattr(watching, "_QUIET_MS", 50)


@pytest.fixture(params=["notified", "polling"])
def is_polling(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> bool:
    """Both ways to watch; what is notified of must not wait for the slow look."""
    monkeypatch.setattr(watching, "LOOK_S", 10 * PATIENCE_S)
    return bool(request.param == "polling")


@pytest.fixture
def docs(tmp_path: Path, write: Write) -> Path:
    write("docs/a.md", "first")
    return tmp_path / "docs"


def test_documents_that_come_change_and_go_are_noticed(
    docs: Path, write: Write, is_polling: bool
) -> None:
    with Watcher(docs, is_polling=is_polling) as watcher:
        assert watcher.wait_for(write("docs/b.md", "new")) == {docs / "b.md"}
        assert watcher.wait_for(write("docs/a.md", "longer than before")) == {docs / "a.md"}
        (docs / "b.md").unlink()
        assert watcher.wait_for(docs / "b.md") == {docs / "b.md"}
    assert watcher.notes == []


def test_a_document_replaced_as_editors_do_is_noticed(
    docs: Path, write: Write, is_polling: bool
) -> None:
    with Watcher(docs, is_polling=is_polling) as watcher:
        write("docs/.a.md.swp", "second edition").rename(docs / "a.md")
        assert watcher.wait_for(docs / "a.md") == {docs / "a.md"}


def test_an_older_document_put_back_is_noticed(docs: Path, write: Write, is_polling: bool) -> None:
    with Watcher(docs, is_polling=is_polling) as watcher:
        write("docs/a.md", "older")
        os.utime(docs / "a.md", (1_000_000_000, 1_000_000_000))
        watcher.wait_for(docs / "a.md")


def test_folders_moved_in_and_out_are_noticed(
    docs: Path, tmp_path: Path, write: Write, is_polling: bool
) -> None:
    write("elsewhere/v1.2/deep/b.md", "text")
    with Watcher(docs, is_polling=is_polling) as watcher:
        (tmp_path / "elsewhere/v1.2").rename(docs / "v1.2")
        watcher.wait_for(docs / "v1.2/deep/b.md")
        write("docs/v1.2/deep/c.md", "text")
        watcher.wait_for(docs / "v1.2/deep/c.md")
        (docs / "v1.2").rename(tmp_path / "elsewhere/v1.2")
        watcher.wait_for(docs / "v1.2/deep/b.md", docs / "v1.2/deep/c.md")


def test_a_swapped_link_is_noticed(tmp_path: Path, write: Write, is_polling: bool) -> None:
    """As Kubernetes updates a mounted ConfigMap: one hidden link changes for all its files."""
    write("docs/..1/a.md", "first")
    write("docs/..2/a.md", "second edition")
    docs = tmp_path / "docs"
    (docs / "..data").symlink_to("..1")
    (docs / "a.md").symlink_to("..data/a.md")
    with Watcher(docs, is_polling=is_polling) as watcher:
        (docs / "..new").symlink_to("..2")
        (docs / "..new").rename(docs / "..data")
        assert watcher.wait_for(docs / "a.md") == {docs / "a.md"}


def test_what_list_files_leaves_out_is_no_change(
    docs: Path, write: Write, is_polling: bool
) -> None:
    with Watcher(docs, is_polling=is_polling) as watcher:
        for name in (".git/index", ".hidden.md", "node_modules/x.md", "main.py", "a.md~"):
            write(f"docs/{name}", "text")
        write("docs/last.md", "text")
        assert watcher.wait_for(docs / "last.md") == {docs / "last.md"}


def test_a_gitignore_takes_documents_away_and_gives_them_back(
    docs: Path, write: Write, is_polling: bool
) -> None:
    subprocess.run(["git", "init", "--quiet", docs], check=True)
    with Watcher(docs, is_polling=is_polling) as watcher:
        rules = write("docs/.gitignore", "a.md\n")
        watcher.wait_for(docs / "a.md")
        rules.unlink()
        watcher.wait_for(docs / "a.md")


def test_an_archive_stands_for_its_members(docs: Path, write: Write, is_polling: bool) -> None:
    with Watcher(docs, is_polling=is_polling) as watcher:
        archive = write("docs/export.zip", "no archive yet")
        assert watcher.wait_for(archive) == {archive}


def test_a_file_that_is_a_root_is_watched_whatever_its_ending(
    tmp_path: Path, write: Write, is_polling: bool
) -> None:
    file = write("README", "first")
    with Watcher(file, is_polling=is_polling) as watcher:
        write("new", "second edition").rename(file)
        watcher.wait_for(file)
        file.unlink()
        watcher.wait_for(file)
        write("README", "third")
        watcher.wait_for(file)


def test_a_folder_that_vanishes_and_comes_back_is_watched_again(
    docs: Path, tmp_path: Path, write: Write, is_polling: bool
) -> None:
    other = write("other/x.md", "text")
    with Watcher(docs, other.parent, is_polling=is_polling) as watcher:
        for text in ("back", "and once more"):
            shutil.rmtree(docs)
            watcher.wait_for(docs / "a.md")
            write("docs/a.md", text)
            watcher.wait_for(docs / "a.md")
            write("docs/later.md", text)
            watcher.wait_for(docs / "later.md")
            write("other/x.md", text)
            watcher.wait_for(other)


def test_a_folder_swapped_for_another_is_watched_in_its_place(
    docs: Path, tmp_path: Path, write: Write, is_polling: bool
) -> None:
    write("next/b.md", "text")
    with Watcher(docs, is_polling=is_polling) as watcher:
        docs.rename(tmp_path / "last")
        (tmp_path / "next").rename(docs)
        watcher.wait_for(docs / "a.md", docs / "b.md")
        watcher.wait_for(write("docs/c.md", "text"))


def test_a_root_may_be_missing_at_first(tmp_path: Path, write: Write, is_polling: bool) -> None:
    with Watcher(tmp_path / "docs", is_polling=is_polling) as watcher:
        watcher.wait_for(write("docs/a.md", "text"))
        watcher.wait_for(write("docs/b.md", "text"))


def test_many_changes_are_few_sets(docs: Path, write: Write, is_polling: bool) -> None:
    with Watcher(docs, is_polling=is_polling) as watcher:
        written = [write(f"docs/{i % 9}/{i}.md", "text") for i in range(300)]
        assert watcher.wait_for(*written) == set(written)


def test_changes_that_nothing_tells_of_are_found_and_the_watch_begins_anew(
    docs: Path, write: Write, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(watching, "LOOK_S", 0.1)
    begin, begun = watchfiles.watch, []

    def note_begin(*paths: Path, **settings: object) -> object:
        begun.append(paths)
        return begin(*paths, **settings)  # type: ignore[arg-type]

    monkeypatch.setattr(watchfiles, "watch", note_begin)
    target = write("elsewhere/b.md", "first")
    (docs / "b.md").symlink_to(target)
    with Watcher(docs) as watcher:
        target.write_text("second edition")
        watcher.wait_for(docs / "b.md")
        watcher.wait_for(write("docs/c.md", "text"))
    assert len(begun) > 1
    assert watcher.notes == []


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (
            OSError('OS file watch limit reached. about ["/x"] (Error { kind: MaxFilesWatch })'),
            "OS file watch limit reached: looking",
        ),
        (RuntimeError("Error creating recommended watcher: x"), "Error creating recommended"),
    ],
)
def test_where_the_system_cannot_notify_it_polls_and_says_so(
    docs: Path,
    write: Write,
    monkeypatch: pytest.MonkeyPatch,
    error: Exception,
    reason: str,
) -> None:
    def refuse(*_: object, **__: object) -> NoReturn:
        raise error

    monkeypatch.setattr(watchfiles, "watch", refuse)
    with Watcher(docs) as watcher:
        watcher.wait_for(write("docs/b.md", "text"))
    [note] = watcher.notes
    assert note.startswith(reason)
    assert note.endswith(": looking for changes every 0.05 s instead")


def test_a_folder_that_may_not_be_read_makes_it_poll(users_folder: Path) -> None:
    (users_folder / "locked").mkdir(mode=0)
    with Watcher(users_folder) as watcher:
        (users_folder / "a.md").write_text("text")
        watcher.wait_for(users_folder / "a.md")
    assert len(watcher.notes) == 1


def test_notifications_that_fail_later_make_it_poll(
    docs: Path, write: Write, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail_later(*_: object, **__: object) -> Iterator[set[object]]:
        yield set()
        raise RuntimeError("error in underlying watcher")

    monkeypatch.setattr(watchfiles, "watch", fail_later)
    with Watcher(docs) as watcher:
        watcher.wait_for(write("docs/b.md", "text"))
    assert len(watcher.notes) == 1


def test_a_folder_that_vanishes_while_the_watch_begins_is_left_out(
    docs: Path, write: Write, monkeypatch: pytest.MonkeyPatch
) -> None:
    begin, attempts = watchfiles.watch, []

    def vanish_at_first(*paths: Path, **settings: object) -> object:
        attempts.append(paths)
        if len(attempts) == 1:
            raise FileNotFoundError("No path was found.")
        return begin(*paths, **settings)  # type: ignore[arg-type]

    monkeypatch.setattr(watchfiles, "watch", vanish_at_first)
    with Watcher(docs) as watcher:
        watcher.wait_for(write("docs/b.md", "text"))
    assert watcher.notes == []


@pytest.mark.parametrize("is_polling", [False, True])
def test_an_interrupt_ends_it_quietly(docs: Path, is_polling: bool) -> None:
    program = f"""
import os, signal, sys, threading, time
from pathlib import Path
from knowledge.watching import changes

def interrupt():
    while not watch.gi_running:
        time.sleep(0.01)
    os.kill(os.getpid(), signal.SIGINT)

watch = changes([Path(sys.argv[1])], threading.Event(), print, is_polling={is_polling})
print(next(watch))
threading.Thread(target=interrupt).start()
print(list(watch))
"""
    ran = subprocess.run(
        [sys.executable, "-c", program, docs], capture_output=True, text=True, timeout=PATIENCE_S
    )
    assert (ran.stdout, ran.stderr, ran.returncode) == ("frozenset()\n[]\n", "", 0)
