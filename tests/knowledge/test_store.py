from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from knowledge.chunks import Chunk
from knowledge.embedding import OnnxEmbedder
from knowledge.errors import StoreUnavailable
from knowledge.store import ChunkStore, Match

DISK = Chunk(0, "Disk > Cause", 3, "the volume has no space left on device")
REDIS = Chunk(1, "Redis", 8, "the cache was killed because it ran out of memory")


@pytest.fixture
def store(tmp_path: Path) -> Iterator[ChunkStore]:
    opened = ChunkStore(tmp_path / "chroma")
    yield opened
    opened.close()


def add(store: ChunkStore, embedder: OnnxEmbedder, version: int, *chunks: Chunk) -> None:
    vectors = embedder.embed([chunk.embedded_text for chunk in chunks])
    store.add([(version, Path("/x.md"), chunk) for chunk in chunks], vectors)


def test_the_nearest_chunk_comes_back_whole_with_its_cosine(
    store: ChunkStore, embedder: OnnxEmbedder
) -> None:
    add(store, embedder, 7, DISK, REDIS)
    query = embedder.embed(["no space left on the volume"])
    expected = query @ embedder.embed([DISK.embedded_text]).T
    found = store.nearest(query, 2)
    assert found[0] == Match(7, found[0].score, DISK)
    assert found[0].score == pytest.approx(float(expected[0, 0]), abs=1e-5)
    assert found[1].chunk == REDIS


def test_asking_for_more_than_there_is_gives_what_there_is(
    store: ChunkStore, embedder: OnnxEmbedder
) -> None:
    query = embedder.embed(["anything"])
    assert store.nearest(query, 50) == []
    add(store, embedder, 1, DISK)
    assert len(store.nearest(query, 50)) == 1


def test_removing_takes_the_chunks_of_the_versions_named(
    store: ChunkStore, embedder: OnnxEmbedder
) -> None:
    for version in (1, 2, 3):
        add(store, embedder, version, DISK, REDIS)
    store.remove([1, 3, 99])
    store.remove([])
    assert store.count() == 2
    assert {match.version for match in store.nearest(embedder.embed(["x"]), 9)} == {2}


def test_chunks_outlive_the_process_that_wrote_them(tmp_path: Path, embedder: OnnxEmbedder) -> None:
    first = ChunkStore(tmp_path / "chroma")
    add(first, embedder, 1, DISK)
    first.close()
    second = ChunkStore(tmp_path / "chroma")
    assert second.nearest(embedder.embed(["disk"]), 1)[0].chunk == DISK
    second.close()


def test_a_damaged_folder_is_an_error_with_a_way_out(tmp_path: Path) -> None:
    folder = tmp_path / "knowledge" / "chroma"
    folder.mkdir(parents=True)
    (folder / "chroma.sqlite3").write_text("no database at all")
    with pytest.raises(StoreUnavailable, match="cannot be used") as caught:
        ChunkStore(folder)
    assert str(folder.parent) in caught.value.hint
