from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from threading import Event, Thread

import pytest

from knowledge.base import KnowledgeBase, open_knowledge_base
from knowledge.catalog import Filter
from knowledge.documents import Kind
from knowledge.errors import IngestBusy, SourceNotFound, StoreUnavailable
from knowledge.files import list_files
from knowledge.ingest import IngestProgress, ingest_lock
from knowledge.loaders import FileReader

Write = Callable[[str, str | bytes], Path]

ANYTHING = 0.0  # a score that every passage has


@pytest.fixture
def embedded(tmp_path: Path, cache_dir: Path) -> Iterator[KnowledgeBase]:
    """A knowledge base that is kept in `data/knowledge`, for tests that look into that."""
    with open_knowledge_base(tmp_path / "data", cache_dir) as opened:
        yield opened


@pytest.mark.parametrize(
    ("query", "path", "heading", "line"),
    [
        ("no space left, cannot write", "runbooks/disk.rst", "Disk full", 4),
        ("https handshake fails, certificate expired", "runbooks/tls.txt", "tls", 1),
        ("RedisDown", "runbooks/redis/RedisDown.md", "Redis Down > RedisDown", 6),
        (
            "who killed the process, out of memory?",
            "runbooks/redis/RedisDown.md",
            "Redis Down > RedisDown > Diagnosis",
            10,
        ),
    ],
)
def test_a_symptom_brings_the_section_that_answers_first(
    base: KnowledgeBase, runbooks: Path, query: str, path: str, heading: str, line: int
) -> None:
    base.ingest([runbooks])
    best = base.search(query)[0]
    assert (best.path, best.heading, best.line) == (path, heading, line)
    assert best.source_path == runbooks.parent / path
    assert (best.name, best.kind, best.services, best.also_in) == ("", "runbook", (), ())
    source = best.source_path.read_text().split("\n")
    assert "\n".join(source[line - 1 :]).startswith(best.text)


def test_what_comes_first_is_no_less_likely_than_what_comes_later(
    base: KnowledgeBase, runbooks: Path
) -> None:
    base.ingest([runbooks])
    for query in ("the cache is down", "disk full, renew nothing", "RedisDown certificate"):
        scores = [passage.score for passage in base.search(query, min_score=0.0)]
        assert len(scores) == 3
        assert scores == sorted(scores, reverse=True)


def test_results_are_bounded_and_one_of_each_document(base: KnowledgeBase, runbooks: Path) -> None:
    base.ingest([runbooks])
    found = base.search("redis out of memory", 10, ANYTHING)
    assert sorted(passage.path for passage in found) == [
        "runbooks/disk.rst",
        "runbooks/redis/RedisDown.md",
        "runbooks/tls.txt",
    ]
    assert base.search("redis out of memory", 2, ANYTHING) == found[:2]
    assert all(0 <= passage.score <= 1 for passage in found)
    assert base.search("redis out of memory", 10, found[0].score)[0] == found[0]
    assert base.search("redis out of memory", 10, 1.1) == []


@pytest.mark.parametrize("query", ["recipe for a chocolate cake", "who won the match", "", " \n"])
def test_nothing_comes_back_when_nothing_answers(
    base: KnowledgeBase, runbooks: Path, query: str
) -> None:
    base.ingest([runbooks])
    assert base.search(query) == []


def test_the_same_text_is_shown_once_with_all_its_places(base: KnowledgeBase, write: Write) -> None:
    base.ingest([write(f"{name}/disk.md", "# Disk\n\nthe disk is full\n").parent for name in "ab"])
    (passage,) = base.search("disk full")
    assert {passage.path, *passage.also_in} == {"a/disk.md", "b/disk.md"}


def test_a_filter_decides_what_is_found(base: KnowledgeBase, runbooks: Path, write: Write) -> None:
    other = write("incidents/old.md", "# Disk\n\nthe disk of the database was full\n")
    os.utime(other, (1_500_000_000, 1_500_000_000))
    base.ingest([runbooks, other.parent])

    def paths(only: Filter) -> list[str]:
        return [passage.path for passage in base.search("disk full", 5, ANYTHING, only)]

    assert paths(Filter(kinds=("incident",))) == ["incidents/old.md"]
    assert paths(Filter(paths=("incidents",))) == ["incidents/old.md"]
    assert paths(Filter(services=("redis",))) == []
    since = datetime(2020, 1, 1, tzinfo=UTC)
    assert "incidents/old.md" not in paths(Filter(paths=("*s/*",), since_utc=since))


def test_the_whole_document_of_a_passage_can_be_read(base: KnowledgeBase, runbooks: Path) -> None:
    base.ingest([runbooks])
    passage = base.search("who killed the process, out of memory?")[0]
    assert [chunk.line for chunk in base.document(passage)] == [6, 10, 19]
    (runbooks / "redis/RedisDown.md").unlink()
    base.ingest([runbooks])
    assert base.document(passage) == []


RULES = """\
groups:
  - name: disk
    rules:
      - alert: DiskFull
        expr: free == 0
        annotations:
          summary: The disk is full.
      - alert: CertificateExpired
        expr: valid == 0
        annotations:
          summary: The certificate has expired.
"""


def test_a_document_of_many_in_a_file_is_named(base: KnowledgeBase, write: Write) -> None:
    base.ingest([write("rules.yml", RULES)])
    assert base.num_documents == 2
    best = base.search("DiskFull", 1, ANYTHING)[0]
    assert (best.path, best.name, best.kind) == ("rules.yml#DiskFull", "DiskFull", "alert")
    assert [chunk.text for chunk in base.document(best)] == [best.text]


def test_a_search_during_an_ingest_finds_the_documents_as_they_were(
    base: KnowledgeBase, write: Write
) -> None:
    file = write("disk.md", "the disk is full: delete old logs\n")
    base.ingest([file])
    write("disk.md", "the disk is full: grow the volume\n")
    seen: list[list[str]] = []

    def search(_: IngestProgress) -> None:
        seen.append([passage.text for passage in base.search("disk full")])

    base.ingest([file], search)
    old, new = ["the disk is full: delete old logs"], ["the disk is full: grow the volume"]
    assert seen == [old, old, new]


@contextmanager
def searching(base: KnowledgeBase, query: str) -> Iterator[list[object]]:
    """Searches in two threads until the end; the list has what came back, errors too, by then."""
    stop = Event()
    seen: list[object] = []

    def search() -> None:
        while not stop.is_set():
            try:
                seen.append([passage.text for passage in base.search(query)])
            except Exception as error:  # noqa: BLE001 - the test looks at it
                seen.append(error)

    threads = [Thread(target=search) for _ in range(2)]
    for thread in threads:
        thread.start()
    try:
        yield seen
    finally:
        stop.set()
        for thread in threads:
            thread.join()


def test_searches_in_other_threads_never_see_half_of_an_ingest(
    base: KnowledgeBase, write: Write
) -> None:
    file = write("disk.md", "the disk is full: old\n")
    base.ingest([file])
    with searching(base, "the disk is full") as seen:
        for word in ("first", "second", "third"):
            write("disk.md", f"the disk is full: {word}\n")
            base.ingest([file])
    words = ("old", "first", "second", "third")
    allowed = [[f"the disk is full: {word}"] for word in words]
    assert [found for found in seen if found not in allowed] == []


def test_closing_waits_for_the_searches_that_run(base: KnowledgeBase, runbooks: Path) -> None:
    base.ingest([runbooks])
    wanted = [passage.text for passage in base.search("disk full")]
    with searching(base, "disk full") as seen:
        for _ in range(5):
            base.close()
    assert [found for found in seen if found != wanted] == []


def test_an_index_that_was_deleted_is_noticed_and_made_again(
    embedded: KnowledgeBase, runbooks: Path, tmp_path: Path
) -> None:
    embedded.ingest([runbooks])
    found = embedded.search("disk full")
    embedded.close()
    shutil.rmtree(tmp_path / "data/knowledge/chroma")
    with pytest.raises(StoreUnavailable, match="is empty") as caught:
        embedded.search("disk full")
    assert "midwatch ingest" in caught.value.hint
    assert embedded.refresh().chunks == 0
    assert embedded.search("disk full") == found


def test_counts_tell_what_can_be_found(base: KnowledgeBase, runbooks: Path) -> None:
    assert (base.is_empty(), base.num_documents, base.num_chunks) == (True, 0, 0)
    base.ingest([runbooks])
    assert (base.is_empty(), base.num_documents, base.num_chunks) == (False, 3, 5)


def test_a_knowledge_base_can_be_closed_and_used_again(base: KnowledgeBase, runbooks: Path) -> None:
    base.ingest([runbooks])
    before = base.search("disk full")
    base.close()
    assert base.search("disk full") == before


def test_a_missing_path_changes_nothing(
    base: KnowledgeBase, runbooks: Path, tmp_path: Path
) -> None:
    base.ingest([runbooks])
    (runbooks / "tls.txt").unlink()
    with pytest.raises(SourceNotFound, match="gone"):
        base.ingest([runbooks, tmp_path / "gone"])
    assert base.num_documents == 3
    assert [source.path for source in base.sources()] == [runbooks]


@pytest.mark.parametrize("kind", [None, "runbook", "incident"])
def test_the_kind_that_was_given_is_what_is_found(
    base: KnowledgeBase, runbooks: Path, kind: Kind | None
) -> None:
    base.ingest([runbooks], kind=kind)
    assert base.search("disk full")[0].kind == (kind or "runbook")


def test_what_another_reader_reads_is_taken_in_as_logs(base: KnowledgeBase, runbooks: Path) -> None:
    with FileReader({runbooks: "log"}) as reader:
        base.ingest_from(list_files([runbooks]), reader)
    (source,) = base.sources()
    assert (source.path, source.kind, source.num_documents) == (runbooks, "log", 3)
    assert base.search("disk full")[0].kind == "log"


def test_a_second_ingest_is_told_that_one_is_running(
    embedded: KnowledgeBase, runbooks: Path, tmp_path: Path
) -> None:
    embedded.ingest([runbooks])
    works: list[Callable[[], object]] = [
        lambda: embedded.ingest([runbooks]),
        embedded.refresh,
        embedded.rebuild,
        lambda: embedded.forget(runbooks),
    ]
    with ingest_lock(tmp_path / "data/knowledge/ingest.lock"):
        for work in works:
            with pytest.raises(IngestBusy):
                work()
    assert embedded.num_documents == 3


INGEST = """
import os, signal, sys, time
from pathlib import Path
from knowledge.base import open_knowledge_base
from knowledge.errors import IngestBusy

data, cache, docs, other = map(Path, sys.argv[1:5])

def pause(progress):
    if progress.chunks:
        (data / "has begun").touch()
        while not (data / "may end").exists():
            time.sleep(0.01)

with open_knowledge_base(data, cache) as base:
    try:
        print(base.ingest([docs], pause).added)
    except IngestBusy:
        print("busy")
"""


def start_ingest(tmp_path: Path, cache_dir: Path, docs: Path) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", INGEST, tmp_path / "data", cache_dir, docs, docs],
        env={"PYTHONPATH": ":".join(sys.path)},
        stdout=subprocess.PIPE,
        text=True,
    )


def test_of_two_processes_one_ingests_and_a_killed_one_is_in_nobodys_way(
    embedded: KnowledgeBase, runbooks: Path, tmp_path: Path, cache_dir: Path
) -> None:
    (tmp_path / "data").mkdir()
    first = start_ingest(tmp_path, cache_dir, runbooks)
    while not (tmp_path / "data/has begun").exists():
        assert first.poll() is None
    assert start_ingest(tmp_path, cache_dir, runbooks).communicate(timeout=60)[0] == "busy\n"
    assert embedded.is_empty()
    first.send_signal(signal.SIGKILL)
    first.communicate()
    again = embedded.ingest([runbooks])
    assert (again.added, again.chunks) == (3, 0)  # all of it was embedded before the end
    assert embedded.search("disk full")[0].path == "runbooks/disk.rst"


FILL_DISK = """
import resource, signal, sys
from pathlib import Path
from knowledge.base import open_knowledge_base
from knowledge.errors import StoreUnavailable

data, cache, docs = map(Path, sys.argv[1:4])
with open_knowledge_base(data, cache) as base:
    base.search("load what is loaded once")
    limit = int(sys.argv[4])
    # As a full disk is: nothing can be written beyond a point.
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit, resource.RLIM_INFINITY))
    try:
        print(base.ingest([docs]).added)
    except StoreUnavailable as error:
        print(error.hint)
"""


def test_a_disk_that_fills_up_costs_nothing_that_was_there(
    embedded: KnowledgeBase, runbooks: Path, write: Write, tmp_path: Path, cache_dir: Path
) -> None:
    embedded.ingest([runbooks])
    found = embedded.search("disk full")
    embedded.close()
    sizes = [path.stat().st_size for path in (tmp_path / "data").rglob("*") if path.is_file()]
    for number in range(60):
        write(f"more/{number}.md", f"# Number {number}\n\n" + f"words about {number}\n" * 20)
    done = subprocess.run(
        [
            sys.executable,
            "-c",
            FILL_DISK,
            tmp_path / "data",
            cache_dir,
            tmp_path / "more",
            str(max(sizes) + 100_000),
        ],
        env={"PYTHONPATH": ":".join(sys.path)},
        capture_output=True,
        text=True,
        check=True,
        timeout=120,
    )
    assert "the disk has room" in done.stdout
    assert embedded.search("disk full") == found
    assert embedded.num_documents == 3
    assert embedded.ingest([tmp_path / "more"]).added == 60
    assert embedded.search("words about Number 31")[0].path == "more/31.md"


def test_a_data_folder_that_cannot_be_made_is_an_error(
    tmp_path: Path, cache_dir: Path, runbooks: Path
) -> None:
    (tmp_path / "data").write_text("a file where the folder should be")
    base = open_knowledge_base(tmp_path / "data", cache_dir)
    with pytest.raises(StoreUnavailable, match="cannot be made"):
        base.ingest([runbooks])


def test_the_data_folder_is_for_its_owner_only(
    embedded: KnowledgeBase, runbooks: Path, tmp_path: Path
) -> None:
    embedded.ingest([runbooks])
    assert (tmp_path / "data/knowledge").stat().st_mode & 0o077 == 0


def test_an_empty_knowledge_base_loads_no_library(tmp_path: Path) -> None:
    program = (
        "import sys; from pathlib import Path; from knowledge.base import open_knowledge_base;"
        "base = open_knowledge_base(Path(sys.argv[1]), Path(sys.argv[1]));"
        "assert base.is_empty() and base.search('disk full') == [] and base.sources() == [];"
        "heavy = ('chromadb', 'onnxruntime', 'tokenizers', 'numpy', 'torch', 'langchain_core',"
        " 'langchain_community', 'sentence_transformers', 'markdown_it', 'yaml');"
        "print([name for name in heavy if name in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, tmp_path / "data"],
        env={"PYTHONPATH": ":".join(sys.path)},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout == "[]\n"
    assert not (tmp_path / "data").exists()
