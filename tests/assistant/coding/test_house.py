from __future__ import annotations

from pathlib import Path

import platformdirs
import pytest

from assistant.coding.house import house_texts
from knowledge.base import KnowledgeBase
from knowledge.examples import Example, House

DRAIN = (
    "# Drain a node\n\nTo drain a node before maintenance:\n\n"
    "```sh\nkubectl drain NODE --ignore-daemonsets --timeout=5m\n```\n\n"
    "```yaml\nkind: PodDisruptionBudget\n```\n"
)
CONVENTIONS = (
    "# Conventions for scripts\n\nBash scripts that drain or restart nodes log what they do to "
    "standard error.\n"
)


@pytest.fixture
def base(tmp_path: Path) -> KnowledgeBase:
    cache_dir = Path(platformdirs.user_cache_dir("midwatch"))
    return KnowledgeBase(tmp_path / "knowledge", cache_dir)


@pytest.fixture
def books(tmp_path: Path, base: KnowledgeBase) -> KnowledgeBase:
    folder = tmp_path / "books"
    folder.mkdir()
    (folder / "drain.md").write_text(DRAIN)
    (folder / "scripts.md").write_text(CONVENTIONS)
    base.ingest([folder])
    return base


def test_conventions_and_an_example_with_their_places(books: KnowledgeBase) -> None:
    with books:
        texts = house_texts(books, "a script that drains a node", "bash")
        in_yaml = house_texts(books, "drain a node", "kubernetes")
    assert [(text.kind, text.source) for text in texts] == [
        ("convention", "books/scripts.md"),
        ("example", "books/drain.md"),
    ]
    assert "standard error" in texts[0].text
    assert (texts[1].line, texts[1].text[:13]) == (6, "kubectl drain")
    assert [text.text for text in in_yaml if text.kind == "example"] == [
        "kind: PodDisruptionBudget"
    ]


def test_an_example_of_something_else_is_worse_than_none(
    books: KnowledgeBase, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = Example("kubectl cordon NODE", "bash", "cordon.md", "Cordon a node", 3)
    fitting = Example("kubectl drain NODE", "bash", "drain.md", "Drain a node", 6)
    house = House((other, fitting), ())
    monkeypatch.setattr("knowledge.examples.house_of", lambda *_: house)
    with books:
        texts = house_texts(books, "drain the node", "bash")
        unlike = house_texts(books, "drain the pool", "bash")
    assert [text.source for text in texts] == ["drain.md"]
    assert unlike == ()


def test_an_empty_knowledge_base_says_nothing(base: KnowledgeBase) -> None:
    with base:
        assert house_texts(base, "drain a node", "bash") == ()
