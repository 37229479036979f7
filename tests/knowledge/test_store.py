from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest

from knowledge.embedding import Embedding, OnnxEmbedder
from knowledge.errors import StoreUnavailable
from knowledge.store import Records, Server, VectorStore, open_folder

DISK, REDIS = "the volume has no space left on device", "the cache ran out of memory"


@pytest.fixture
def server(chroma_url: str) -> Iterator[Server]:
    opened = Server(chroma_url)
    yield opened
    opened.close()


@pytest.fixture(params=["folder", pytest.param("server", marks=pytest.mark.system)])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[VectorStore]:
    if request.param == "server":
        yield request.getfixturevalue("server").vectors()
        return
    opened = open_folder(tmp_path / "chroma")
    yield opened
    opened.close()


@pytest.fixture
def embed(embedder: OnnxEmbedder) -> Callable[..., dict[str, Embedding]]:
    """What texts are embedded to, by the text."""
    return lambda *texts: dict(zip(texts, embedder.embed(texts), strict=True))


Embed = Callable[..., dict[str, Embedding]]


def test_the_nearest_comes_first_with_its_cosine(store: VectorStore, embed: Embed) -> None:
    embedded = embed(DISK, REDIS)
    store.add(embedded)
    [query] = embed("no space left on the volume").values()
    found = store.nearest(query.sentence, 2)
    assert list(found) == [DISK, REDIS]
    cosines = [float(embedded[name].sentence @ query.sentence) for name in found]
    assert list(found.values()) == pytest.approx(cosines, abs=1e-5)


def test_asking_for_more_than_there_is_gives_what_there_is(
    store: VectorStore, embed: Embed
) -> None:
    embedded = embed(DISK)
    assert store.nearest(embedded[DISK].sentence, 50) == {}
    store.add(embedded)
    assert len(store.nearest(embedded[DISK].sentence, 50)) == 1


def test_adding_again_changes_nothing_and_removing_takes_what_is_named(
    store: VectorStore, embed: Embed
) -> None:
    store.add(embed(DISK, REDIS))
    store.add(embed(DISK))
    store.add({})
    assert (store.count(), store.hashes()) == (2, {DISK, REDIS})
    store.remove([DISK, "unknown"])
    store.remove([])
    assert (store.count(), store.hashes()) == (1, {REDIS})


def test_vectors_outlive_the_process_that_wrote_them(tmp_path: Path, embed: Embed) -> None:
    first = open_folder(tmp_path / "chroma")
    first.add(embed(DISK))
    first.close()
    second = open_folder(tmp_path / "chroma")
    assert second.hashes() == {DISK}
    second.close()


def test_a_damaged_folder_is_an_error_with_a_way_out(tmp_path: Path) -> None:
    folder = tmp_path / "knowledge" / "chroma"
    folder.mkdir(parents=True)
    (folder / "chroma.sqlite3").write_text("no database at all")
    with pytest.raises(StoreUnavailable, match="cannot be used") as caught:
        open_folder(folder)
    assert str(folder) in caught.value.hint


@pytest.mark.system
def test_what_was_embedded_comes_back_from_the_server(server: Server, embed: Embed) -> None:
    embedded = embed(DISK, REDIS)
    server.vectors().add(embedded)
    server.vectors().add(embedded)
    found = server.vectors().embeddings([REDIS, "unknown", DISK])
    assert found.keys() == embedded.keys()
    for name, one in embedded.items():
        assert np.allclose(found[name].sentence, one.sentence, atol=1e-6)
        assert found[name].sentence.dtype == np.float32
        assert np.array_equal(found[name].tokens, one.tokens)


@pytest.mark.system
def test_vectors_are_sent_in_requests_that_a_server_takes(server: Server) -> None:
    rng = np.random.default_rng(1)
    embedded = {
        f"{number:04}": Embedding(
            rng.normal(size=384).astype(np.float32),
            rng.integers(-127, 127, (250, 96), dtype=np.int8),
            (),
        )
        for number in range(1_500)  # 45 MB
    }
    server.vectors().add(embedded)
    assert server.vectors().count() == len(embedded)


@pytest.fixture
def records(server: Server) -> Records:
    return server.records("files")


@pytest.mark.system
def test_records_are_put_and_found_by_id(records: Records) -> None:
    records.put({"a": {"text": "one"}, "b": {"text": ""}})
    records.put({"b": {"text": "two"}})
    assert records.all() == {"a": {"text": "one"}, "b": {"text": "two"}}
    assert records.some(["b", "c"]) == {"b": {"text": "two"}}
    records.remove(["a", "c"])
    assert records.ids() == {"b"}


@pytest.mark.system
def test_of_several_records_added_under_one_id_the_first_stays(records: Records) -> None:
    records.add("a", {"text": "one"})
    records.add("a", {"text": "two"})
    assert records.all() == {"a": {"text": "one"}}


@pytest.mark.system
def test_large_records_are_sent_in_requests_that_a_server_takes(records: Records) -> None:
    large = {f"{number}": {"text": "x" * 3_000_000} for number in range(20)}  # 60 MB
    records.put(large)
    assert records.ids() == large.keys()


@pytest.mark.system
def test_a_revision_is_new_each_time_and_the_same_for_all(server: Server, chroma_url: str) -> None:
    assert server.revision() == ""
    first, second = server.renew_revision(), server.renew_revision()
    assert first != second
    other = Server(chroma_url)
    assert server.revision() == other.revision() == second
    other.close()


@pytest.mark.system
def test_a_bearer_token_is_sent_when_there_is_one(tmp_path: Path) -> None:
    asked: list[bytes] = []
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def answer() -> None:
            with listening.accept()[0] as connection:
                asked.append(connection.recv(65_536))
                connection.sendall(b"HTTP/1.1 401 Unauthorized\r\ncontent-length: 0\r\n\r\n")

        thread = threading.Thread(target=answer)
        thread.start()
        url = f"http://127.0.0.1:{listening.getsockname()[1]}/prefix/"
        with pytest.raises(StoreUnavailable, match="401") as caught:
            Server(url, "secret")
        thread.join()
    assert asked[0].startswith(b"GET /prefix/api/v2/heartbeat ")
    assert b"authorization: bearer secret\r\n" in asked[0].lower()
    assert "secret" not in caught.value.message + caught.value.hint
    assert "token" in caught.value.hint


def test_a_server_that_never_answers_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("knowledge.store._ANSWER_TIMEOUT_S", 0.1)
    with socket.create_server(("127.0.0.1", 0)) as listening:
        url = f"http://127.0.0.1:{listening.getsockname()[1]}"
        with pytest.raises(StoreUnavailable, match="timed out"):
            Server(url)
