from __future__ import annotations

import os
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path

import pytest

from knowledge.base import KnowledgeBase, open_knowledge_base
from knowledge.catalog import Catalog
from knowledge.errors import IngestBusy, OutdatedCatalog, StoreUnavailable
from knowledge.ingest import IngestProgress
from knowledge.shared.knowledge import mirror_folder
from knowledge.shared.mirror import Mirror
from knowledge.store import Fields, Server
from tests.knowledge.chroma_server import ChromaServer

pytestmark = pytest.mark.system

Write = Callable[[str, str | bytes], Path]
Open = Callable[[str], KnowledgeBase]


class Interrupted(Exception):
    pass


@pytest.fixture
def machine(tmp_path: Path, cache_dir: Path, chroma_url: str) -> Iterator[Open]:
    """The knowledge base on the server as the machine of that name sees it."""
    with ExitStack() as opened:
        yield lambda name: opened.enter_context(
            open_knowledge_base(tmp_path / name, cache_dir, chroma_url)
        )


@pytest.fixture
def own_server(tmp_path: Path) -> Iterator[ChromaServer]:
    """A server that a test may do anything to."""
    server = ChromaServer(tmp_path / "server")
    server.start()
    yield server
    server.kill()


def texts(base: KnowledgeBase, query: str = "the disk is full") -> list[str]:
    return [passage.text for passage in base.search(query, min_score=0.0)]


def interrupt_at(chunks: int) -> Callable[[IngestProgress], None]:
    def interrupt(progress: IngestProgress) -> None:
        if progress.chunks >= chunks:
            raise Interrupted

    return interrupt


def sections(word: str, count: int) -> str:
    return "".join(
        f"# {word} {number}\n\nthe disk of {word} {number}\n\n" for number in range(count)
    )


def test_what_one_machine_ingests_another_finds_without_a_restart(
    machine: Open, runbooks: Path
) -> None:
    one, other = machine("one"), machine("other")
    assert (other.is_empty(), other.search("disk full")) == (True, [])
    one.ingest([runbooks])
    assert (other.num_documents, other.num_chunks) == (one.num_documents, one.num_chunks)
    found, same = one.search("no space left on device"), other.search("no space left on device")
    assert found[0].path == "runbooks/disk.rst"
    assert [passage.text for passage in same] == [passage.text for passage in found]
    assert [passage.score for passage in same] == pytest.approx(
        [passage.score for passage in found], abs=1e-4
    )


def test_changed_moved_and_removed_files_reach_the_other_machine(
    machine: Open, runbooks: Path, write: Write
) -> None:
    one, other = machine("one"), machine("other")
    one.ingest([runbooks])
    assert other.num_documents == 3
    write("runbooks/disk.rst", "the disk is full: grow it\n")
    (runbooks / "redis").rename(runbooks / "cache")
    (runbooks / "tls.txt").unlink()
    one.ingest([runbooks])
    assert other.num_documents == 2
    assert texts(other)[0] == "the disk is full: grow it"
    assert other.search("RedisDown")[0].path == "runbooks/cache/RedisDown.md"
    assert other.search("the certificate has expired") == []


def test_a_machine_that_knows_the_files_embeds_nothing(machine: Open, runbooks: Path) -> None:
    machine("one").ingest([runbooks])
    report = machine("other").ingest([runbooks])
    assert (report.unchanged, report.added, report.chunks) == (3, 0, 0)


def test_no_text_or_vector_that_nothing_needs_stays_on_the_server(
    machine: Open, write: Write, chroma_url: str
) -> None:
    one = machine("one")
    one.ingest([write("a.md", "the disk is full\n")])
    one.ingest([write("a.md", "the disk is empty\n")])
    server = Server(chroma_url)
    assert server.vectors().count() == len(server.records("bodies").ids()) == 1
    server.close()


def test_two_machines_do_not_ingest_at_once(machine: Open, write: Write) -> None:
    one, other = machine("one"), machine("other")
    file = write("a.md", "the disk is full\n")
    refused: list[str] = []

    def ingest_too(_: IngestProgress) -> None:
        with pytest.raises(IngestBusy) as caught:
            other.ingest([file])
        refused.append(caught.value.message)

    one.ingest([file], ingest_too)
    assert set(refused) == {"another machine is ingesting into the same server"}
    assert other.ingest([file]).unchanged == 1


def test_an_ingest_that_another_took_over_from_publishes_nothing_more(
    machine: Open, write: Write, tmp_path: Path, chroma_url: str
) -> None:
    one, other = machine("one"), machine("other")
    for name in "ab":
        write(f"docs/{name}.md", sections(name, 70))
    server = Server(chroma_url)

    def take_over(progress: IngestProgress) -> None:
        if progress.files_done == 1:
            leases = server.records("leases")
            name = f"{int(max(leases.ids())) + 1:012}"
            leases.add(name, {"owner": "x", "holder": "x", "until_s": "0"})

    with pytest.raises(IngestBusy, match="has begun"):
        one.ingest([tmp_path / "docs"], take_over)
    server.close()
    assert other.num_documents == 1


def test_an_interrupted_ingest_is_seen_as_far_as_it_came_and_frees_the_others(
    machine: Open, write: Write, tmp_path: Path
) -> None:
    one, other = machine("one"), machine("other")
    for name in "ab":
        write(f"docs/{name}.md", sections(name, 70))
    with pytest.raises(Interrupted):
        one.ingest([tmp_path / "docs"], interrupt_at(100))
    assert (other.num_documents, other.num_chunks) == (1, 70)
    assert other.ingest([tmp_path / "docs"]).added == 1
    assert one.num_chunks == other.num_chunks == 140


KILLED = """
import os, sys
from pathlib import Path
from knowledge.base import open_knowledge_base

def die(progress):
    if progress.chunks >= 100:
        os._exit(9)

base = open_knowledge_base(Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3])
base.ingest([Path(sys.argv[4])], die)
"""


def test_a_killed_ingest_goes_on_on_its_machine_at_once_and_elsewhere_after_a_while(
    machine: Open, tmp_path: Path, cache_dir: Path, chroma_url: str, write: Write
) -> None:
    for name in "ab":
        write(f"docs/{name}.md", sections(name, 70))
    killed = subprocess.run(
        [sys.executable, "-c", KILLED, tmp_path / "one", cache_dir, chroma_url, tmp_path / "docs"],
        env={"PYTHONPATH": os.pathsep.join(sys.path)},
        check=False,
    )
    assert killed.returncode == 9
    with pytest.raises(IngestBusy):
        machine("other").ingest([tmp_path / "docs"])
    report = machine("one").ingest([tmp_path / "docs"])
    assert (report.unchanged, report.added, report.chunks < 70) == (1, 1, True)
    assert machine("other").num_chunks == 140


def test_files_that_a_killed_ingest_told_nobody_of_are_seen_after_the_next(
    machine: Open, write: Write, monkeypatch: pytest.MonkeyPatch
) -> None:
    one, other = machine("one"), machine("other")
    one.ingest([write("a.md", "the disk is full\n")])
    assert other.num_documents == 1

    def die(_: Server) -> str:
        raise KeyboardInterrupt  # wherever it comes from, nothing more is told

    with monkeypatch.context() as patched:
        patched.setattr(Server, "renew_revision", die)
        with pytest.raises(KeyboardInterrupt):
            one.ingest([write("b.md", "the disk is broken\n")])
    assert other.num_documents == 1
    assert one.ingest([write("b.md", "the disk is broken\n")]).unchanged == 1
    assert other.num_documents == 2


def test_a_server_that_goes_away_in_an_ingest_loses_nothing(
    own_server: ChromaServer, tmp_path: Path, cache_dir: Path, write: Write
) -> None:
    for name in "ab":
        write(f"docs/{name}.md", sections(name, 70))

    def kill(progress: IngestProgress) -> None:
        if progress.chunks >= 100:
            own_server.kill()

    with open_knowledge_base(tmp_path / "one", cache_dir, own_server.url) as one:
        with pytest.raises(StoreUnavailable) as caught:
            one.ingest([tmp_path / "docs"], kill)
        assert own_server.url in caught.value.message + caught.value.hint
        with pytest.raises(StoreUnavailable):
            one.search("disk")
        own_server.start()
        assert (one.num_documents, one.num_chunks) == (1, 70)
        assert one.ingest([tmp_path / "docs"]).unchanged == 1
        assert one.num_chunks == 140


def test_a_server_that_was_emptied_is_noticed_and_can_be_filled_again(
    machine: Open, chroma_server: ChromaServer, runbooks: Path
) -> None:
    one, other = machine("one"), machine("other")
    one.ingest([runbooks])
    assert other.num_documents == 3
    chroma_server.empty()
    assert (one.search("disk full"), other.search("disk full")) == ([], [])
    one.ingest([runbooks])
    assert [base.search("no space left")[0].path for base in (one, other)] == [
        "runbooks/disk.rst",
        "runbooks/disk.rst",
    ]


def test_a_server_that_was_emptied_can_be_filled_at_once(
    machine: Open, chroma_server: ChromaServer, runbooks: Path
) -> None:
    one = machine("one")
    one.ingest([runbooks])
    chroma_server.empty()
    assert one.ingest([runbooks]).added == 3
    assert machine("other").num_documents == 3


@pytest.mark.parametrize("pattern", ["*", "catalog.sqlite3*", "revision"])
def test_a_copy_that_was_deleted_is_made_again(
    machine: Open, runbooks: Path, tmp_path: Path, chroma_url: str, pattern: str
) -> None:
    one = machine("one")
    one.ingest([runbooks])
    for path in mirror_folder(tmp_path / "one", chroma_url).glob(pattern):
        path.unlink()
    assert one.num_documents == 3


def test_a_copy_keeps_no_vector_that_its_files_do_not_need(
    machine: Open, write: Write, tmp_path: Path, chroma_url: str
) -> None:
    one, other = machine("one"), machine("other")
    for text in ("the disk is full\n", "the disk is empty\n"):
        one.ingest([write("a.md", text)])
        assert other.num_documents == 1
    copy = Catalog(mirror_folder(tmp_path / "other", chroma_url) / "catalog.sqlite3")
    with copy.reading() as known:
        assert len(known.all_hashes()) == 1


def test_a_file_that_changes_while_it_is_copied_is_copied_again(
    machine: Open, write: Write, monkeypatch: pytest.MonkeyPatch
) -> None:
    one, other = machine("one"), machine("other")
    one.ingest([write("a.md", "the disk is full\n")])
    listed = Mirror._listed
    changes = iter(["the disk is broken\n"])

    def change_behind(mirror: Mirror) -> dict[Path, Fields]:
        found = listed(mirror)
        for text in changes:
            one.ingest([write("a.md", text)])
        return found

    monkeypatch.setattr(Mirror, "_listed", change_behind)
    assert texts(other) == ["the disk is broken"]


def test_searches_at_once_make_one_copy(machine: Open, runbooks: Path) -> None:
    machine("one").ingest([runbooks])
    others = [machine("other") for _ in range(4)]
    with ThreadPoolExecutor(len(others)) as pool:
        counts = list(pool.map(lambda base: base.num_documents, others))
    assert counts == [3] * len(others)


def test_vectors_that_the_server_lost_are_brought_back_by_the_next_ingest(
    machine: Open, runbooks: Path, chroma_url: str
) -> None:
    one, new = machine("one"), machine("new")
    one.ingest([runbooks])
    server = Server(chroma_url)
    server.vectors().remove(sorted(server.vectors().hashes())[:1])
    server.close()
    assert new.num_documents == 2  # a document is there whole or not at all
    assert one.ingest([runbooks]).chunks == 0
    assert new.num_documents == 3


def test_a_knowledge_base_of_ones_own_is_left_alone(
    machine: Open, runbooks: Path, tmp_path: Path, cache_dir: Path
) -> None:
    with open_knowledge_base(tmp_path / "one", cache_dir) as own:
        own.ingest([runbooks])
        assert machine("one").is_empty()
        assert own.num_documents == 3


def test_a_server_that_is_not_there_is_an_error_that_names_it(
    tmp_path: Path, cache_dir: Path, runbooks: Path
) -> None:
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{closed.getsockname()[1]}"
        with open_knowledge_base(tmp_path, cache_dir, url) as base:
            for ask in (base.is_empty, lambda: base.search("x"), lambda: base.ingest([runbooks])):
                with pytest.raises(StoreUnavailable) as caught:
                    ask()
                assert url in caught.value.message
                assert url in caught.value.hint


def test_a_server_written_by_another_version_is_refused(
    machine: Open, chroma_url: str, runbooks: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    machine("one").ingest([runbooks])
    monkeypatch.setattr("knowledge.store._FORMAT", 999)
    with pytest.raises(OutdatedCatalog, match="another version") as caught:
        machine("other").search("disk")
    assert "same version" in caught.value.hint


def test_each_server_has_a_copy_of_its_own(tmp_path: Path) -> None:
    folders = {mirror_folder(tmp_path, url) for url in ("http://a:8000", "http://b:8000")}
    assert len(folders) == 2
    assert all(folder.is_relative_to(tmp_path) for folder in folders)
