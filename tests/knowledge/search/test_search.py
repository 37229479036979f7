from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from knowledge.base import EVERYTHING, KnowledgeBase, open_knowledge_base
from knowledge.catalog import Catalog, Filter
from knowledge.embedding import OnnxEmbedder
from knowledge.search.query import read_query
from knowledge.search.search import Breadth, find, rank
from knowledge.store import VectorStore, open_folder

if TYPE_CHECKING:
    from knowledge.embedding import Vectors

MEMBERS_DOWN = """\
# etcdMembersDown

## Meaning

Members of the etcd cluster do not answer. When more than half of them are gone, all writes fail.

## Diagnosis

List the members with `etcdctl member list -w table` and look at the log of each that is missing.

## Mitigation

1. Bring the machine back, when there is one.
2. Else take the member out of the cluster, and put a new one in its place.
3. Wait until it has caught up with the leader.
"""

CHECKOUT = """\
---
title: Checkout refuses all cards
date: 2024-02-03
services: [checkout, payments]
---
Every card was refused with `ERR-7731 issuer unknown`. The table of card issuers had been emptied by
a migration. Restored the table from the backup of the night.
"""

OLD_CHECKOUT = """\
---
title: Checkout slow on payday
date: 2021-06-30
services: [checkout]
---
The checkout took ten seconds: the pool of connections to the card issuers was too small for payday.
Doubled the pool.
"""

ALERTS = """\
groups:
- name: shop
  rules:
  - alert: ShopCartQueueGrowing
    expr: sum(shop_cart_queue_length) > 1000
    for: 10m
    labels: {severity: warning, service: cart}
    annotations:
      summary: The queue of carts grows faster than it is worked off.
      description: Carts wait in the queue. Look for workers that hang on the price service.
  - alert: ShopSearchIndexStale
    expr: time() - shop_search_index_updated > 3600
    labels: {severity: info, service: search}
    annotations:
      summary: The search index of the shop was not renewed for an hour.
      description: New articles are not found. Look at the job that renews the index.
"""

SUBJECTS = (
    "backups restore snapshot",
    "certificate expiry renewal",
    "clock drift time server",
    "crash of the scheduler",
    "dead letter queue",
    "disk latency",
    "dropped packets",
    "expired licence",
    "fan failure",
    "file descriptors exhausted",
    "garbage collection pauses",
    "inode exhaustion",
    "kernel panic",
    "lock contention",
    "memory pressure swapping",
    "power supply",
    "replication lag",
    "stale cache",
    "thread pool saturation",
    "zombie processes",
)
LONG_GUIDE = "# Guide of the house\n\n" + "\n".join(
    f"## {subject.capitalize()}\n\n{f'What to do about {subject}: look at the panel. ' * 12}\n"
    for subject in SUBJECTS
)

FILES: Mapping[str, str] = {
    "docs/etcd/etcdMembersDown.md": MEMBERS_DOWN,
    "docs/copies/etcdMembersDown.md": MEMBERS_DOWN,
    "docs/copies/members-old.md": MEMBERS_DOWN + "4. Tell the team.\n",
    "docs/incidents/checkout-cards.md": CHECKOUT,
    "docs/incidents/checkout-payday.md": OLD_CHECKOUT,
    "docs/alerts.yaml": ALERTS,
    "docs/guide.md": LONG_GUIDE,
    "docs/Disk [full].md": "# Disk full\n\nNo space is left on the volume. Delete rotated logs.\n",
    "docs/Störung.md": "# Störung\n\nDer Drucker im Keller druckt nicht: Papierstau. 日本語\n",
}
COPIES = {"docs/copies/etcdMembersDown.md", "docs/copies/members-old.md"}
INCIDENTS = {"docs/incidents/checkout-cards.md", "docs/incidents/checkout-payday.md"}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("search")
    for name, text in FILES.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return root


@pytest.fixture(scope="module")
def library(folder: Path, cache_dir: Path) -> Iterator[KnowledgeBase]:
    """A knowledge base that the tests here only read."""
    with open_knowledge_base(folder / "data", cache_dir) as base:
        report = base.ingest([folder / "docs"])
        assert not report.failed
        yield base


@pytest.fixture
def catalog(library: KnowledgeBase, folder: Path) -> Catalog:
    return Catalog(folder / "data/knowledge/catalog.sqlite3")


@pytest.fixture
def store(library: KnowledgeBase, folder: Path) -> Iterator[VectorStore]:
    opened = open_folder(folder / "data/knowledge/chroma")
    yield opened
    opened.close()


def paths(library: KnowledgeBase, query: str, k: int = 5, only: Filter = EVERYTHING) -> list[str]:
    return [found.path for found in library.search(query, k, 0.0, only)]


@pytest.mark.parametrize(
    ("query", "path", "heading"),
    [
        ("etcdMembersDown", "docs/etcd/etcdMembersDown.md", "etcdMembersDown > Meaning"),
        ("no space left on the disk", "docs/Disk [full].md", "Disk full"),
        ("ERR-7731", "docs/incidents/checkout-cards.md", "Checkout refuses all cards"),
        ("err_7731", "docs/incidents/checkout-cards.md", "Checkout refuses all cards"),
        ("shop_cart_queue_length > 1000", "docs/alerts.yaml#ShopCartQueueGrowing", None),
        ("the carts pile up in the queue", "docs/alerts.yaml#ShopCartQueueGrowing", None),
        ("too many zombies", "docs/guide.md", "Guide of the house > Zombie processes"),
        ("we ran out of inodes", "docs/guide.md", "Guide of the house > Inode exhaustion"),
        ("Drucker STÖRUNG", "docs/Störung.md", "Störung"),
        ("日本語", "docs/Störung.md", "Störung"),
    ],
)
def test_a_question_brings_the_passage_that_answers_it(
    library: KnowledgeBase, query: str, path: str, heading: str | None
) -> None:
    best = library.search(query, min_score=0.0)[0]
    same = {best.path, *best.also_in}
    assert path in same
    assert heading in (None, best.heading)


def test_copies_are_found_once_with_all_their_places(library: KnowledgeBase) -> None:
    best, *others = library.search("etcd members are gone", 10, 0.0)
    places = COPIES | {"docs/etcd/etcdMembersDown.md"}
    assert {best.path, *best.also_in} == places
    assert not places & {path for found in others for path in (found.path, *found.also_in)}


def test_a_copy_that_comes_after_the_last_result_is_still_mentioned(
    library: KnowledgeBase,
) -> None:
    (best,) = library.search("etcd members are gone", 1, 0.0)
    assert len(best.also_in) == 2


def test_a_long_document_is_ranked_in_parts_and_found_once(
    library: KnowledgeBase, catalog: Catalog
) -> None:
    found = paths(library, "guide of the house: what to do", 10)
    assert found.count("docs/guide.md") == 1
    with catalog.reading() as known:
        assert len(known.allowed(Filter(paths=("docs/guide.md",)))) > 1
    passage = library.search("too many zombies", 1, 0.0)[0]
    headings = [chunk.heading for chunk in library.document(passage)]
    assert len(headings) == len(SUBJECTS)


@pytest.mark.parametrize("k", [1, 2, 3, 50])
def test_no_more_than_k_documents_come_back_best_first(library: KnowledgeBase, k: int) -> None:
    assert paths(library, "checkout", k) == paths(library, "checkout", 50)[:k]


@pytest.mark.parametrize(
    ("only", "expected"),
    [
        (Filter(paths=("docs/copies",)), COPIES),
        (Filter(paths=("docs/copies/",)), COPIES),
        (
            Filter(paths=("*/etcd/*", "docs/guide.md")),
            {"docs/etcd/etcdMembersDown.md", "docs/guide.md"},
        ),
        (Filter(paths=("docs/Disk [full].md",)), {"docs/Disk [full].md"}),
        (Filter(kinds=("incident",)), INCIDENTS),
        (Filter(services=("PAYMENTS",)), {"docs/incidents/checkout-cards.md"}),
        (Filter(services=("cart", "none")), {"docs/alerts.yaml#ShopCartQueueGrowing"}),
        (
            Filter(kinds=("incident",), since_utc=datetime(2024, 1, 1, tzinfo=UTC)),
            {"docs/incidents/checkout-cards.md"},
        ),
        (Filter(kinds=("incident",), services=("search",)), set()),
        (Filter(paths=("docs/nowhere",)), set()),
    ],
)
@pytest.mark.parametrize("query", ["checkout refuses cards", "etcd members are gone", "queue"])
def test_filters_leave_only_what_passes(
    library: KnowledgeBase, query: str, only: Filter, expected: set[str]
) -> None:
    found = library.search(query, 50, 0.0, only)
    assert {path for one in found for path in (one.path, *one.also_in)} == expected


def test_a_filter_does_not_hide_what_everything_else_outranks(library: KnowledgeBase) -> None:
    only = Filter(kinds=("alert",), services=("search",))
    assert paths(library, "etcdMembersDown", 5, only) == ["docs/alerts.yaml#ShopSearchIndexStale"]


@pytest.mark.parametrize(
    "query",
    [
        "what should I cook for eight guests",
        "the capital of France",
        "mysql: deadlock found when trying to get lock",
        "rabbitmq: memory alarm blocks publishers",
        "how do I get it",
        "to be or not to be, that is it",
        "?!... ---",
        "🚒",
        "\ud800\x00",
    ],
)
def test_what_nothing_answers_has_no_answer(library: KnowledgeBase, query: str) -> None:
    assert library.search(query) == []


@pytest.mark.parametrize(
    "query",
    [
        "etcd members do not answer, all writes fail",
        "no space left on device",
        "all cards are refused at the checkout",
        "the search does not find new articles",
    ],
)
def test_what_is_answered_is_not_refused(library: KnowledgeBase, query: str) -> None:
    assert library.search(query)


def test_a_pasted_log_is_answered_by_its_first_lines(library: KnowledgeBase) -> None:
    line = "2026-03-01T10:00:00.123Z ERROR checkout-7f9c ERR-7731 issuer unknown card=**** id={}\n"
    log = "".join(line.format(number) for number in range(1_300))
    assert len(log) > 100_000
    assert paths(library, log)[0] == "docs/incidents/checkout-cards.md"


def test_asking_twice_answers_the_same(library: KnowledgeBase) -> None:
    assert library.search("checkout") == library.search("checkout")


def test_everything_looked_at_closely_ranks_as_the_candidates_do(
    catalog: Catalog, store: VectorStore, embedder: OnnxEmbedder
) -> None:
    everything = Breadth(few_parts=0)
    few = Breadth(nearest_passages=1, matching_parts=1, few_parts=0, close_parts=1)
    query = read_query("too many zombies", embedder)
    with catalog.reading() as known:
        wide = rank(query, known, store, EVERYTHING, everything)
        narrow = rank(query, known, store, EVERYTHING, few)
        filtered = rank(query, known, store, Filter(paths=("docs",)))
    assert [one.part.id for one in narrow] == [one.part.id for one in wide][:1]
    assert [one.part.id for one in filtered] == [one.part.id for one in wide]


def test_a_vector_index_that_knows_nothing_leaves_the_words(
    catalog: Catalog, embedder: OnnxEmbedder
) -> None:
    class EmptyIndex:
        def nearest(self, vector: Vectors, limit: int) -> Mapping[str, float]:
            return {}

    query = read_query("ERR-7731", embedder)
    with catalog.reading() as known:
        found = find(query, known, EmptyIndex(), EVERYTHING, 5, 0.0)
    assert [one.part.display for one in found] == ["docs/incidents/checkout-cards.md"]


def test_what_the_index_has_and_the_catalog_has_not_is_left_out(
    catalog: Catalog, store: VectorStore, embedder: OnnxEmbedder
) -> None:
    class StaleIndex:
        def nearest(self, vector: Vectors, limit: int) -> Mapping[str, float]:
            return {"of a document that is gone": 0.99, **store.nearest(vector, limit)}

    query = read_query("ERR-7731", embedder)
    with catalog.reading() as known:
        stale = find(query, known, StaleIndex(), EVERYTHING, 5, 0.0)
        fresh = find(query, known, store, EVERYTHING, 5, 0.0)
    assert [one.part.id for one in stale] == [one.part.id for one in fresh]
