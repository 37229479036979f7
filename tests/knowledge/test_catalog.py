from __future__ import annotations

import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from threading import Event, Thread

import numpy as np
import pytest

from knowledge.catalog import (
    FORMAT,
    Catalog,
    FileEntry,
    Filter,
    Holding,
    NewPart,
    Root,
    Writer,
)
from knowledge.chunks import Chunk
from knowledge.documents import Kind
from knowledge.embedding import DIMENSION, TOKEN_DIMENSION, Embedding
from knowledge.errors import OutdatedCatalog, StoreUnavailable
from knowledge.files import SourceFile

DAY = datetime(2026, 3, 1, 12, tzinfo=UTC)


def embedding(number: int) -> Embedding:
    sentence = np.zeros(DIMENSION, dtype=np.float32)
    sentence[number] = 1.0
    return Embedding(sentence, np.full((2, TOKEN_DIMENSION), number, dtype=np.int8), (0, 5))


def part(
    texts: Sequence[str],
    *,
    name: str = "",
    kind: Kind = "runbook",
    services: tuple[str, ...] = (),
    dated_utc: datetime = DAY,
    first: int = 0,
) -> NewPart:
    """A part whose chunks have `texts`, which are their own hashes and terms."""
    return NewPart(
        name=name,
        kind=kind,
        services=services,
        dated_utc=dated_utc,
        form=0.5,
        vector=embedding(0).sentence,
        chunks=tuple(Chunk(first + n, "Top", 1 + n, text) for n, text in enumerate(texts)),
        hashes=tuple(texts),
        terms=tuple(texts),
        products=frozenset(f"product-{text}" for text in texts),
    )


def put(change: Writer, path: str, *parts: NewPart) -> None:
    hashes = {name for one in parts for name in one.hashes}
    change.keep_vectors((name, embedding(len(name))) for name in sorted(hashes))
    change.put(FileEntry(Path(path), path.removeprefix("/"), f"digest of {path}"), parts)


@pytest.fixture
def catalog(tmp_path: Path) -> Catalog:
    return Catalog(tmp_path / "catalog.sqlite3")


def held(catalog: Catalog) -> dict[str, list[str]]:
    """The texts of each file."""
    with catalog.reading() as known:
        return {
            str(path): [chunk.text for number in numbers for chunk in known.document(number)]
            for path, numbers in _first_parts(catalog).items()
        }


def _first_parts(catalog: Catalog) -> dict[Path, list[int]]:
    with catalog.reading() as known:
        found: dict[Path, list[int]] = {}
        seen = set()
        for one in known.parts(sorted(known.allowed(Filter()))).values():
            if (one.path, one.name) not in seen:
                seen.add((one.path, one.name))
                found.setdefault(one.path, []).append(one.id)
        return dict(sorted(found.items()))


def test_what_was_put_comes_back(catalog: Catalog) -> None:
    with catalog.writing() as change:
        put(
            change,
            "/docs/a.md",
            part(["aa", "b"], kind="incident", services=("redis", "köln")),
        )
    with catalog.reading() as known:
        (number,) = known.allowed(Filter())
        one = known.parts([number, 99])[number]
        assert (one.path, one.display, one.name) == (Path("/docs/a.md"), "docs/a.md", "")
        assert (one.kind, one.services, one.dated_utc) == ("incident", ("redis", "köln"), DAY)
        vector, _ = known.outlines([number])[number]
        assert vector.tolist() == embedding(0).sentence.tolist()
        chunks = known.chunks([number])[number]
        assert [stored.chunk for stored in chunks] == [
            Chunk(0, "Top", 1, "aa"),
            Chunk(1, "Top", 2, "b"),
        ]
        assert chunks[0].sentence.tolist() == embedding(2).sentence.tolist()
        assert chunks[0].tokens.tolist() == embedding(2).tokens.tolist()
        assert known.document(number) == [stored.chunk for stored in chunks]
        assert known.products([number]) == {number: {"product-aa", "product-b"}}
        assert known.known_products(["product-b", "other"]) == {"product-b"}
        assert known.files() == {
            Path("/docs/a.md"): FileEntry(Path("/docs/a.md"), "docs/a.md", "digest of /docs/a.md")
        }
        assert known.documents_of("incident") == [(Path("/docs/a.md"), "")]
        assert known.documents_of("runbook") == []


def test_nothing_is_written_by_asking_whether_it_exists(catalog: Catalog) -> None:
    assert not catalog.exists()
    assert not catalog.path.exists()


def test_totals_count_documents_not_parts(catalog: Catalog) -> None:
    with catalog.writing() as change:
        assert not change.has_documents()
        put(change, "/long.md", part(["a", "b"]), part(["c"], first=2))
        put(change, "/rules.yml", part(["d"], name="One"), part(["e"], name="Two"))
    with catalog.reading() as known:
        assert known.has_documents()
        assert (known.totals(), known.num_parts()) == ((3, 5), 4)
        assert known.holdings() == [
            Holding(Path("/long.md"), is_log=False, num_documents=1, num_chunks=3),
            Holding(Path("/rules.yml"), is_log=False, num_documents=2, num_chunks=2),
        ]
        first = min(known.allowed(Filter()))
        assert [chunk.text for chunk in known.document(first)] == ["a", "b", "c"]


def test_a_transaction_counts_as_a_whole_or_not_at_all(catalog: Catalog) -> None:
    with catalog.writing() as change:
        put(change, "/a.md", part(["old"]))
    before = held(catalog)

    class Interrupted(Exception):
        pass

    def change_and_fail() -> None:
        with catalog.writing() as change:
            put(change, "/a.md", part(["new"]))
            put(change, "/b.md", part(["more"]))
            change.put_roots([Root(Path("/"), None, DAY)])
            raise Interrupted

    with pytest.raises(Interrupted):
        change_and_fail()
    assert held(catalog) == before == {"/a.md": ["old"]}
    with catalog.reading() as known:
        assert known.matching(["new", "more"]) == {}
        assert known.roots() == []


def test_a_file_of_which_one_chunk_has_no_vector_is_not_put(catalog: Catalog) -> None:
    with pytest.raises(StoreUnavailable), catalog.writing() as change:
        change.put(FileEntry(Path("/a.md"), "a.md", "d"), [part(["unknown"])])
    assert held(catalog) == {}


def rows_of(catalog: Catalog) -> dict[str, int]:
    tables = ("files", "parts", "chunks", "products", "terms")
    with closing(sqlite3.connect(catalog.path)) as database:
        return {
            table: database.execute(f"SELECT count(*) FROM {table}").fetchone()[0]
            for table in tables
        }


def test_removing_a_file_leaves_no_row_of_it(catalog: Catalog) -> None:
    with catalog.writing() as change:
        put(change, "/a.md", part(["a", "b"]))
        put(change, "/b.md", part(["b", "c"]))
        change.remove([Path("/a.md"), Path("/never.md")])
    rows = {"files": 1, "parts": 1, "chunks": 2, "products": 2, "terms": 1}
    assert rows_of(catalog) == rows
    with catalog.reading() as known:
        assert known.matching(["a"]) == {}
        assert known.num_parts_with(["a", "b"]) == {"b": 1}
        assert known.known_products(["product-a", "product-b"]) == {"product-b"}
        assert known.unused() == ["a"]


def test_putting_a_file_again_replaces_all_of_it(catalog: Catalog) -> None:
    with catalog.writing() as change:
        put(change, "/a.md", part(["old", "same"], name="One"), part(["gone"], name="Two"))
    with catalog.writing() as change:
        put(change, "/a.md", part(["same", "new"]))
    assert held(catalog) == {"/a.md": ["same", "new"]}
    rows = {"files": 1, "parts": 1, "chunks": 2, "products": 2, "terms": 1}
    assert rows_of(catalog) == rows


def test_the_number_of_a_part_is_never_used_again(catalog: Catalog) -> None:
    with catalog.writing() as change:
        put(change, "/a.md", part(["a"]))
        (number,) = change.allowed(Filter())
        put(change, "/a.md", part(["b"]))
        assert number not in change.allowed(Filter())
        assert change.document(number) == []


def test_vectors_are_kept_until_no_chunk_has_them(catalog: Catalog) -> None:
    with catalog.writing() as change:
        put(change, "/a.md", part(["a", "b"]))
        change.keep_vectors([("a", embedding(50))])  # known: the first one stays
        assert change.known_hashes(["a", "x"]) == {"a"}
        assert change.unused() == []
        assert sorted(change.all_hashes()) == ["a", "b"]
        assert change.sentences(["a", "x"])["a"].tolist() == embedding(1).sentence.tolist()
        assert change.embeddings(["a"])["a"].tokens.tolist() == embedding(1).tokens.tolist()
        change.remove([Path("/a.md")])
        assert sorted(change.unused()) == ["a", "b"]
        change.forget_vectors(["a", "b"])
        assert change.all_hashes() == []


def test_a_vector_in_use_cannot_be_dropped(catalog: Catalog) -> None:
    with catalog.writing() as change:
        put(change, "/a.md", part(["a"]))
    with pytest.raises(StoreUnavailable), catalog.writing() as change:
        change.forget_vectors(["a"])
    assert held(catalog) == {"/a.md": ["a"]}


def test_a_file_is_held_under_its_new_path(catalog: Catalog) -> None:
    with catalog.writing() as change:
        put(change, "/old/a.md", part(["a"]))
        put(change, "/b.md", part(["b"]))
        change.move(
            [
                (Path("/old/a.md"), SourceFile(Path("/new/a.md"), "shown/a.md")),
                (Path("/b.md"), SourceFile(Path("/b.md"), "shown/b.md")),
            ]
        )
    assert held(catalog) == {"/b.md": ["b"], "/new/a.md": ["a"]}
    with catalog.reading() as known:
        shown = [entry.display for entry in known.files().values()]
        assert sorted(shown) == ["shown/a.md", "shown/b.md"]


def test_terms_are_matched_one_by_one_and_the_rarer_weighs_more(catalog: Catalog) -> None:
    with catalog.writing() as change:
        for number in range(5):
            put(change, f"/{number}.md", part(["often", f"rare{number}"]))
    with catalog.reading() as known:
        scores = known.matching(["often", "rare3", "nowhere"])
        assert len(scores) == 5
        best = max(scores, key=lambda number: scores[number])
        assert known.parts([best])[best].display == "3.md"
        assert known.num_parts_with(["often", "rare3", "nowhere"]) == {"often": 5, "rare3": 1}
        assert known.matching([]) == {}


@pytest.mark.parametrize("term", ['say "hi', "a OR b", "NEAR(", "*", "kube-proxy", "-", "日本"])
def test_no_term_is_taken_for_a_search_expression(catalog: Catalog, term: str) -> None:
    with catalog.writing() as change:
        put(change, "/a.md", replace(part(["a"]), terms=("zzz",)))
    with catalog.reading() as known:
        assert known.matching([term]) == {}


def test_parts_are_found_by_the_hashes_of_their_chunks(catalog: Catalog) -> None:
    with catalog.writing() as change:
        put(change, "/a.md", part(["both", "a"]))
        put(change, "/b.md", part(["both"]))
    with catalog.reading() as known:
        first, second = sorted(known.allowed(Filter()))
        found = known.parts_with(["both", "a", "nowhere"])
        assert {name: sorted(numbers) for name, numbers in found.items()} == {
            "both": [first, second],
            "a": [first],
        }


def test_any_number_of_values_can_be_asked_for(catalog: Catalog) -> None:
    with catalog.writing() as change:
        put(change, "/a.md", part([f"t{number}" for number in range(1_700)]))
    with catalog.reading() as known:
        assert len(known.known_hashes(known.all_hashes())) == 1_700


FILED = {
    "docs/redis/a.md": part(["a"], services=("Redis", "cache")),
    "docs/redis2/b.md": part(["b"], dated_utc=DAY - timedelta(days=100)),
    "docs/[old]/c.md": part(["c"], kind="incident", services=("postgres",)),
    "docs/o/d.md": part(["d"]),
    "rules.yml": part(["e"], name="Down", kind="alert", services=("redis",)),
    "app.log": part(["f"], kind="log", dated_utc=DAY + timedelta(seconds=1)),
}


@pytest.mark.parametrize(
    ("only", "found"),
    [
        (Filter(), "abcdef"),
        (Filter(paths=("docs",)), "abcd"),
        (Filter(paths=("docs/",)), "abcd"),
        (Filter(paths=("docs/redis",)), "a"),
        (Filter(paths=("docs/redis/a.md",)), "a"),
        (Filter(paths=("doc",)), ""),
        (Filter(paths=("docs/redis*",)), "ab"),
        (Filter(paths=("*.md",)), "abcd"),
        (Filter(paths=("docs/?",)), "d"),
        (Filter(paths=("docs/[old]",)), "c"),
        (Filter(paths=("docs/[old]/c.md",)), "c"),
        (Filter(paths=("docs/[o]",)), ""),
        (Filter(paths=("rules.yml", "app.log")), "ef"),
        (Filter(paths=("'; DROP TABLE files; --",)), ""),
        (Filter(kinds=("alert", "log")), "ef"),
        (Filter(services=("redis",)), "ae"),
        (Filter(services=("REDIS", "postgres")), "ace"),
        (Filter(services=("red",)), ""),
        (Filter(since_utc=DAY), "acdef"),
        (Filter(since_utc=DAY + timedelta(milliseconds=500)), "acdef"),
        (Filter(since_utc=DAY + timedelta(seconds=1)), "f"),
        (Filter(paths=("docs",), services=("redis",), kinds=("runbook",)), "a"),
    ],
)
def test_a_filter_lets_pass_what_meets_all_conditions(
    catalog: Catalog, only: Filter, found: str
) -> None:
    with catalog.writing() as change:
        for display, one in FILED.items():
            put(change, f"/{display}", one)
        passed = change.chunks(change.allowed(only))
    assert "".join(sorted(s.chunk.text for stored in passed.values() for s in stored)) == found
    assert only.is_open == (only == Filter())


def test_a_folder_may_be_a_root_of_documents_and_of_logs(catalog: Catalog) -> None:
    later = DAY + timedelta(hours=1)
    with catalog.writing() as change:
        change.put_roots([Root(Path("/b"), "incident", DAY), Root(Path("/a"), None, DAY)])
        change.put_roots([Root(Path("/a"), "log", DAY), Root(Path("/b"), None, later)])
        assert change.roots() == [
            Root(Path("/a"), None, DAY),
            Root(Path("/a"), "log", DAY),
            Root(Path("/b"), None, later),
        ]
        change.forget_roots([Path("/a")])
        assert change.roots() == [Root(Path("/b"), None, later)]


def test_an_incident_keeps_its_source(catalog: Catalog) -> None:
    with catalog.writing() as change:
        put(change, "/a.md", part(["a"]))
        change.keep_vectors([("b", embedding(1))])
        change.put(FileEntry(Path("/b.md"), "b.md", "d", "# all of it\n"), [part(["b"])])
        assert change.incident_sources() == {Path("/b.md"): "# all of it\n"}


def test_a_reader_sees_one_state_whatever_is_written_meanwhile(catalog: Catalog) -> None:
    with catalog.writing() as change:
        put(change, "/a.md", part(["old"]))
    with catalog.reading() as known:
        assert known.totals() == (1, 1)
        with catalog.writing() as change:
            put(change, "/a.md", part(["new", "newer"]))
            put(change, "/b.md", part(["more"]))
        assert known.totals() == (1, 1)
        assert list(known.matching(["old"])) != []
        assert known.matching(["new"]) == {}
    with catalog.reading() as known:
        assert known.totals() == (2, 3)


@contextmanager
def in_background(*works: Callable[[], None]) -> Iterator[list[Exception]]:
    """Runs each of `works` in a thread until the end; what they raise is in the list then."""
    raised: list[Exception] = []

    def run(work: Callable[[], None]) -> None:
        try:
            work()
        except Exception as error:  # noqa: BLE001 - the test looks at it
            raised.append(error)

    threads = [Thread(target=run, args=[work]) for work in works]
    for thread in threads:
        thread.start()
    yield raised
    for thread in threads:
        thread.join()


def test_readers_in_other_threads_always_see_whole_documents(catalog: Catalog) -> None:
    texts = [f"t{number}" for number in range(20)]
    with catalog.writing() as change:
        put(change, "/a.md", part(texts))
    stop = Event()
    seen: set[tuple[int, int]] = set()

    def read() -> None:
        while not stop.is_set():
            with catalog.reading() as known:
                numbers = known.allowed(Filter())
                seen.update((len(numbers), len(known.chunks([n])[n])) for n in numbers)

    with in_background(read, read) as raised:
        for _ in range(30):
            with catalog.writing() as change:
                put(change, "/a.md", part(texts))
        stop.set()
    assert raised == []
    assert seen == {(1, 20)}


READ = """
import sys
from pathlib import Path
from knowledge.catalog import Catalog, Filter

catalog = Catalog(Path(sys.argv[1]))
print("ready", flush=True)
seen = set()
while not Path(sys.argv[2]).exists():
    with catalog.reading() as known:
        seen.update(len(chunks) for chunks in known.chunks(known.allowed(Filter())).values())
print(sorted(seen))
"""


def test_readers_in_another_process_always_see_whole_documents(
    catalog: Catalog, tmp_path: Path
) -> None:
    texts = [f"t{number}" for number in range(20)]
    with catalog.writing() as change:
        put(change, "/a.md", part(texts))
    reader = subprocess.Popen(
        [sys.executable, "-c", READ, catalog.path, tmp_path / "stop"],
        env={"PYTHONPATH": ":".join(sys.path)},
        stdout=subprocess.PIPE,
        text=True,
    )
    assert reader.stdout is not None
    assert reader.stdout.readline() == "ready\n"
    for _ in range(30):
        with catalog.writing() as change:
            put(change, "/a.md", part(texts))
    (tmp_path / "stop").touch()
    assert reader.communicate(timeout=60)[0] == "[20]\n"


def test_of_two_who_make_it_at_once_both_succeed(tmp_path: Path) -> None:
    for number in range(20):
        catalog = Catalog(tmp_path / f"{number}.sqlite3")

        def write(name: str, catalog: Catalog = catalog) -> None:
            with catalog.writing() as change:
                put(change, f"/{name}.md", part([name]))

        with in_background(lambda: write("a"), lambda: write("b")) as raised:
            pass
        assert raised == []
        assert held(catalog) == {"/a.md": ["a"], "/b.md": ["b"]}


def test_nothing_stays_beside_the_file(catalog: Catalog) -> None:
    with catalog.writing() as change:
        put(change, "/a.md", part(["a"]))
    assert list(catalog.path.parent.iterdir()) == [catalog.path]


def test_a_catalog_that_was_cut_short_while_it_was_made_is_finished(tmp_path: Path) -> None:
    path = tmp_path / "catalog.sqlite3"
    with closing(sqlite3.connect(path)) as database:
        database.execute("PRAGMA journal_mode = WAL")
    with Catalog(path).reading() as known:
        assert known.totals() == (0, 0)


@pytest.mark.parametrize("number", [1, FORMAT + 1])
def test_a_catalog_of_another_version_is_refused_and_not_touched(
    tmp_path: Path, number: int
) -> None:
    path = tmp_path / "catalog.sqlite3"
    with closing(sqlite3.connect(path)) as database:
        database.execute("CREATE TABLE mine (x)")
        database.execute(f"PRAGMA user_version = {number}")
    before = path.read_bytes()
    for access in (Catalog(path).reading, Catalog(path).writing):
        with pytest.raises(OutdatedCatalog, match=f"format is {number}") as caught, access():
            pass
        assert "midwatch ingest --rebuild" in caught.value.hint
    assert path.read_bytes() == before


def test_what_an_older_version_left_is_not_taken_for_nothing(tmp_path: Path) -> None:
    older = tmp_path / "documents.sqlite3"
    catalog = Catalog(tmp_path / "catalog.sqlite3", predecessor=older)
    assert not catalog.exists()
    older.touch()
    with pytest.raises(OutdatedCatalog, match="an older version"):
        catalog.exists()
    with pytest.raises(OutdatedCatalog), catalog.writing():
        pass
    assert not catalog.path.exists()


def damage_head(path: Path) -> None:
    path.write_bytes(b"this is no database, and never was one\n" * 200)


def damage_middle(path: Path) -> None:
    data = path.read_bytes()
    path.write_bytes(data[:4096] + b"\xff" * (len(data) - 4096))


def lose_tables(path: Path) -> None:
    with closing(sqlite3.connect(path)) as database:
        database.execute("DROP TABLE parts")


@pytest.mark.parametrize("damage", [damage_head, damage_middle, lose_tables])
def test_a_damaged_catalog_is_an_error_with_a_way_out(
    catalog: Catalog, damage: Callable[[Path], None]
) -> None:
    with catalog.writing() as change:
        put(change, "/a.md", part(["a"]))
    damage(catalog.path)
    with pytest.raises(StoreUnavailable, match="cannot be used") as caught, catalog.reading() as k:
        k.parts([1])
    assert f"delete {catalog.path}" in caught.value.hint


def test_a_folder_that_cannot_be_looked_into_is_an_error(tmp_path: Path) -> None:
    catalog = Catalog(tmp_path / ("x" * 300) / "catalog.sqlite3")
    with pytest.raises(StoreUnavailable, match="cannot be looked into: File name too long"):
        catalog.exists()


def test_a_folder_that_is_not_there_is_an_error(tmp_path: Path) -> None:
    catalog = Catalog(tmp_path / "gone" / "catalog.sqlite3")
    with pytest.raises(StoreUnavailable, match="unable to open"), catalog.writing():
        pass


def test_a_read_only_folder_is_an_error(users_folder: Path) -> None:
    catalog = Catalog(users_folder / "catalog.sqlite3")
    with catalog.writing() as change:
        put(change, "/a.md", part(["a"]))
    catalog.path.parent.chmod(0o500)
    catalog.path.chmod(0o400)
    try:
        with pytest.raises(StoreUnavailable, match="cannot be used"), catalog.writing():
            pass
    finally:
        catalog.path.parent.chmod(0o700)


def test_a_disk_that_is_full_changes_nothing(catalog: Catalog) -> None:
    with catalog.writing() as change:
        put(change, "/a.md", part(["a"]))
    with closing(sqlite3.connect(catalog.path)) as database:
        (pages,) = database.execute("PRAGMA page_count").fetchone()
    connect = catalog._connect

    def connect_with_a_limit() -> sqlite3.Connection:
        database = connect()
        database.execute(f"PRAGMA max_page_count = {pages + 5}")
        return database

    catalog._connect = connect_with_a_limit  # type: ignore[method-assign]
    with pytest.raises(StoreUnavailable, match="full") as caught, catalog.writing() as change:
        put(change, "/b.md", part([f"t{number}" for number in range(300)]))
    assert "the disk has room" in caught.value.hint
    assert held(catalog) == {"/a.md": ["a"]}
