from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from knowledge.base import KnowledgeBase, open_knowledge_base
from knowledge.errors import IngestBusy, SourceNotFound, StoreUnavailable
from knowledge.ingest import IngestProgress, ingest_lock

Write = Callable[[str, str | bytes], Path]


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
    source = best.source_path.read_text().split("\n")
    assert "\n".join(source[line - 1 :]).startswith(best.text)


def test_results_are_ordered_bounded_and_above_the_minimum(
    base: KnowledgeBase, runbooks: Path
) -> None:
    base.ingest([runbooks])
    scores = [passage.score for passage in base.search("redis out of memory", 10, min_score=-1.0)]
    assert scores == sorted(scores, reverse=True)
    assert len(base.search("redis out of memory", 2, min_score=-1.0)) == 2
    above = base.search("redis out of memory", 10, min_score=scores[1])
    assert [passage.score for passage in above] == scores[:2]


@pytest.mark.parametrize("query", ["recipe for a chocolate cake", "who won the match", "", " \n"])
def test_nothing_comes_back_when_nothing_answers(
    base: KnowledgeBase, runbooks: Path, query: str
) -> None:
    base.ingest([runbooks])
    assert base.search(query) == []


def test_a_document_gives_at_most_two_passages(base: KnowledgeBase, write: Write) -> None:
    sections = (f"# Case {number}\n\ndisk full, variant {number}\n\n" for number in range(20))
    base.ingest([write("a.md", "".join(sections)), write("b.md", "the disk is full\n")])
    paths = [passage.path for passage in base.search("disk full", 5)]
    assert sorted(paths) == ["a.md", "a.md", "b.md"]


def test_the_same_text_is_not_shown_twice(base: KnowledgeBase, write: Write) -> None:
    files = [write(f"{name}/disk.md", "# Disk\n\nthe disk is full\n") for name in "ab"]
    base.ingest(files)
    assert len(base.search("disk full")) == 1


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


def test_an_index_that_was_deleted_is_noticed(
    base: KnowledgeBase, runbooks: Path, tmp_path: Path
) -> None:
    base.ingest([runbooks])
    base.close()
    shutil.rmtree(tmp_path / "data/knowledge/chroma")
    with pytest.raises(StoreUnavailable, match="is empty") as caught:
        base.search("disk full")
    assert "ingest again" in caught.value.hint


def test_counts_tell_what_can_be_found(base: KnowledgeBase, runbooks: Path) -> None:
    assert (base.is_empty(), base.num_documents, base.num_chunks) == (True, 0, 0)
    base.ingest([runbooks])
    assert (base.is_empty(), base.num_documents, base.num_chunks) == (False, 3, 5)


def test_a_knowledge_base_can_be_closed_and_used_again(base: KnowledgeBase, runbooks: Path) -> None:
    base.ingest([runbooks])
    before = base.search("disk full")
    base.close()
    assert base.search("disk full") == before


def test_a_missing_path_changes_nothing(base: KnowledgeBase, tmp_path: Path) -> None:
    with pytest.raises(SourceNotFound):
        base.ingest([tmp_path / "gone"])
    assert not (tmp_path / "data").exists()


def test_a_second_ingest_is_told_that_one_is_running(
    base: KnowledgeBase, runbooks: Path, tmp_path: Path
) -> None:
    base.ingest([runbooks])
    with ingest_lock(tmp_path / "data/knowledge/ingest.lock"), pytest.raises(IngestBusy):
        base.ingest([runbooks])
    assert base.num_documents == 3


def test_a_data_folder_that_cannot_be_made_is_an_error(
    tmp_path: Path, cache_dir: Path, runbooks: Path
) -> None:
    (tmp_path / "data").write_text("a file where the folder should be")
    base = open_knowledge_base(tmp_path / "data", cache_dir)
    with pytest.raises(StoreUnavailable, match="cannot be made"):
        base.ingest([runbooks])


def test_the_data_folder_is_for_its_owner_only(
    base: KnowledgeBase, runbooks: Path, tmp_path: Path
) -> None:
    base.ingest([runbooks])
    assert (tmp_path / "data/knowledge").stat().st_mode & 0o077 == 0


def test_an_empty_knowledge_base_loads_no_library(tmp_path: Path) -> None:
    program = (
        "import sys; from pathlib import Path; from knowledge.base import open_knowledge_base;"
        "base = open_knowledge_base(Path(sys.argv[1]), Path(sys.argv[1]));"
        "assert base.is_empty() and base.search('disk full') == [];"
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
