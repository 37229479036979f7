"""What two questions must have in common to have one answer."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from assistant.answers import fingerprint
from assistant.answers.key import AnswerKey, answer_key, model_identity, normalised
from assistant.errors import ModelError
from assistant.interface import AskRequest
from assistant.settings import (
    AgentSettings,
    DataSettings,
    HostSettings,
    KnowledgeSettings,
    ModelSettings,
    RedactionSettings,
    Settings,
)
from knowledge.errors import StoreUnavailable

REMOTE = ModelSettings(provider="openai", name="m", base_url="http://127.0.0.1:9/v1")
Ask = Callable[..., AnswerKey | None]


@pytest.fixture(autouse=True)
def settled(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fingerprint, "_SETTLED_NS", 0)


@pytest.fixture
def note(tmp_path: Path) -> Path:
    path = tmp_path / "note.log"
    path.write_text("2026-03-01T12:00:00Z ERROR disk full\n")
    return path


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(
        model=REMOTE, host=HostSettings(look=False), data=DataSettings(dir=tmp_path / "data")
    )


@pytest.fixture
def key(settings: Settings, note: Path) -> Ask:
    """The key of one question, with changes."""

    def ask(
        question: str = "why?",
        *,
        request: AskRequest | None = None,
        update: dict[str, object] | None = None,
        **changes: Any,
    ) -> AnswerKey | None:
        changes = {"strategy": "bounded", "instructions": (), "held": dict, **changes}
        return answer_key(
            request or AskRequest(question, files=(note,)),
            settings.model_copy(update=update or {}),
            **changes,
        )

    return ask


def test_the_same_question_has_the_same_key(key: Ask) -> None:
    first = key()
    assert first is not None
    assert key() == first
    assert key("  why?\n") == first


def test_whatever_an_answer_depends_on_is_in_it(
    key: Ask, tmp_path: Path, note: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = tmp_path / "other.log"
    other.write_text("x")
    keys = [
        key(),
        key("Why?"),
        key("why? "[:3]),
        key(request=AskRequest("why?", files=(other,))),
        key(request=AskRequest("why?", files=(note, other))),
        key(strategy="free"),
        key(instructions=("Call Anna.",)),
        key(instructions=("Call Anna.", "Call Ben.")),
        key(held=lambda: {Path("/r/a.md"): "1"}),
        key(held=lambda: {Path("/r/a.md"): "2"}),
        key(update={"model": REMOTE.model_copy(update={"name": "n"})}),
        key(update={"model": REMOTE.model_copy(update={"base_url": "http://127.0.0.1:8/v1"})}),
        key(update={"model": REMOTE.model_copy(update={"max_answer_tokens": 64})}),
        key(update={"agent": AgentSettings(max_drilldowns=2)}),
        key(update={"knowledge": KnowledgeSettings(min_score=0.7)}),
        key(update={"redaction": RedactionSettings(addresses=True)}),
    ]
    monkeypatch.setattr("assistant.answers.key.version", lambda name: "99")
    keys.append(key())
    assert None not in keys
    assert len({one.digest for one in keys if one}) == len(keys)


def test_where_data_is_kept_makes_no_difference(key: Ask, tmp_path: Path) -> None:
    assert key(update={"data": DataSettings(dir=tmp_path / "elsewhere")}) == key()


def test_a_live_question_has_a_key_for_a_short_time(key: Ask) -> None:
    found = key(request=AskRequest("why?"))
    assert found is not None
    assert found.max_age_s == fingerprint.LIVE_MAX_AGE_S


def unavailable() -> dict[Path, str]:
    raise StoreUnavailable("the catalog is damaged", "ingest again")


@pytest.mark.parametrize(
    "changes",
    [
        {"question": " \n"},
        {"update": {"model": REMOTE.model_copy(update={"temperature": 0.7})}},
        {"update": {"model": ModelSettings(name="/nowhere/model.gguf")}},
        {"request": AskRequest("why?", files=(Path("/nowhere.log"),))},
        {"held": unavailable},
    ],
)
def test_what_is_not_known_for_sure_has_none(changes: dict[str, Any], key: Ask) -> None:
    assert key(**changes) is None


def test_knowledge_in_motion_has_none(
    key: Ask, monkeypatch: pytest.MonkeyPatch, note: Path
) -> None:
    monkeypatch.setattr(fingerprint, "_SETTLED_NS", 3600 * 10**9)
    assert key() is not None
    assert key(held=lambda: {note: "1"}) is None


@pytest.mark.parametrize(
    ("question", "same"),
    [
        ("why  is\tit\u00a0slow? ", "why is it slow?"),
        ("cafe\u0301", "café"),
        ("\r\n why\r\n  now? \n\n", "why\nnow?"),
    ],
)
def test_what_makes_no_difference(question: str, same: str) -> None:
    assert normalised(question) == same


@pytest.mark.parametrize("other", ["Why?", "why", "w hy?", "why?\nwhy?", "«why?»"])
def test_what_makes_a_difference(other: str) -> None:
    assert normalised(other) != normalised("why?")


@given(st.text())
def test_a_question_that_is_normal_stays_so(question: str) -> None:
    assert normalised(normalised(question)) == normalised(question)


def test_a_local_model_is_its_content(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    weights, adapter = tmp_path / "m.gguf", tmp_path / "a.gguf"
    weights.write_bytes(b"GGUF one")
    adapter.write_bytes(b"GGUF adapter")
    # Which file is a model is not for this test.
    monkeypatch.setattr("assistant.answers.key.model_path", lambda settings: weights)

    def identity(*adapters: str) -> str:
        model = ModelSettings(name=str(weights), adapters=adapters)
        return model_identity(Settings(model=model, data=DataSettings(dir=tmp_path / "data")))

    alone, full, half = identity(), identity(str(adapter)), identity(f"{adapter}=0.5")
    assert len({alone, full, half}) == 3
    assert identity() == alone
    weights.write_bytes(b"GGUF two")
    assert identity() != alone
    weights.write_bytes(b"GGUF one")
    assert identity() == alone


def test_a_model_that_is_not_there_is_said(tmp_path: Path) -> None:
    with pytest.raises(ModelError):
        model_identity(Settings(model=ModelSettings(name=str(tmp_path / "m.gguf"))))
