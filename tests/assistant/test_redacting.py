"""A secret in the evidence or the question: nothing behind the tools ever sees it."""

from __future__ import annotations

import json
import stat
from collections.abc import AsyncIterator
from contextlib import aclosing, asynccontextmanager
from pathlib import Path

import pytest
from langchain_core.messages import AIMessage, HumanMessage

from assistant.chat.local import LocalChatModel
from assistant.chat.remote import redacted
from assistant.events import (
    Approval,
    ApprovalRequested,
    Event,
    ToolStarted,
    TurnFailed,
    TurnFinished,
    to_json,
)
from assistant.interface import AskRequest
from assistant.local import LocalAssistant, open_local_assistant
from assistant.redacting import cleaned, open_redactor
from assistant.settings import (
    AgentSettings,
    DataSettings,
    HostSettings,
    RedactionSettings,
    Settings,
)
from tests.assistant.chat.scripted import ScriptedEngine

PASSWORD = "hunter2-K9xQ7"
TOKEN = "ghp_" + "a1B2c3D4e5F6" * 3
OWN = "shop-4411-9931"
LINE = f"2026-03-01T12:00:41Z ERROR login of pay failed: password={PASSWORD} token {TOKEN}"
ANSWER = "**Cause** [L1]: pay cannot log in.\n\n**Next:** Look at its account."
FILES = ("sessions.db", "sessions.db-wal")


@pytest.fixture
def bundle(tmp_path: Path) -> Path:
    logs = tmp_path / "bundle" / "logs"
    logs.mkdir(parents=True)
    served = "".join(f"2026-03-01T12:00:{n:02}Z INFO request {n} served\n" for n in range(40))
    (logs / "pay.log").write_text(f"{served}{LINE}\n{LINE}\n")
    (tmp_path / "bundle" / "env.txt").write_text(
        f"DB_PASSWORD={PASSWORD}\nDB_HOST=db1\nfailed: connection refused {OWN}\n"
    )
    return tmp_path / "bundle"


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(
        data=DataSettings(dir=tmp_path / "data"),
        agent=AgentSettings(max_drilldowns=0),
        host=HostSettings(look=False),
        redaction=RedactionSettings(patterns=(r"shop-\d{4}-\d{4}",)),
    )


@asynccontextmanager
async def opened(settings: Settings, engine: ScriptedEngine) -> AsyncIterator[LocalAssistant]:
    async def load(_: Settings) -> LocalChatModel:
        return LocalChatModel(engine=engine)

    async with open_local_assistant(settings, load) as assistant:
        yield assistant


async def ask(assistant: LocalAssistant, question: str, bundle: Path) -> list[Event]:
    async with aclosing(assistant.ask(AskRequest(question, bundle=bundle))) as events:
        return [event async for event in events]


@pytest.mark.parametrize(
    "question",
    [
        f"Why can pay not log in with {TOKEN}?",
        "Which lines mention password most often?",
        "Show me the last lines of the pay log",
    ],
)
async def test_no_secret_gets_past_the_tools(
    settings: Settings, bundle: Path, question: str
) -> None:
    engine = ScriptedEngine(ANSWER, ANSWER)
    async with opened(settings, engine) as assistant:
        events = await ask(assistant, question, bundle)
    assert isinstance(events[-1], TurnFinished), events[-1]
    seen = {
        "a front": json.dumps([to_json(event) for event in events]),
        "the model": "".join(s.text for request in engine.requests for s in request.prompt),
        **{
            name: (settings.data.dir / name).read_bytes().decode(errors="replace")
            for name in FILES
            if (settings.data.dir / name).exists()
        },
    }
    for secret in (PASSWORD, TOKEN, OWN):
        assert [where for where, text in seen.items() if secret in text] == []


async def test_the_same_secret_is_recognised_everywhere(settings: Settings, bundle: Path) -> None:
    engine = ScriptedEngine(ANSWER)
    async with opened(settings, engine) as assistant:
        [*_, turn] = await ask(assistant, "Why can pay not log in?", bundle)
    assert isinstance(turn, TurnFinished)
    placeholder = open_redactor(settings).redact(f"password={PASSWORD}").partition("=")[2]
    assert placeholder in turn.answer
    assert PASSWORD not in turn.answer


def test_the_key_is_the_users_alone_and_stays(settings: Settings) -> None:
    first = open_redactor(settings).redact(TOKEN)
    assert open_redactor(settings).redact(TOKEN) == first != TOKEN
    mode = (settings.data.dir / "redaction.key").stat().st_mode
    assert stat.S_IMODE(mode) == 0o600


def test_what_goes_to_a_server_is_redacted_whatever_it_is(settings: Settings) -> None:
    redact = open_redactor(settings).redact
    call = {"name": "search_logs", "args": {"pattern": TOKEN, "n": [TOKEN]}, "id": "1"}
    messages = [
        HumanMessage(f"password={PASSWORD}"),
        HumanMessage([{"type": "text", "text": TOKEN}]),
        AIMessage("", tool_calls=[call]),
    ]
    sent = repr([redacted(message, redact) for message in messages])
    assert TOKEN not in sent
    assert PASSWORD not in sent
    # The conversation itself is left as it was.
    assert TOKEN in repr(messages)


def test_what_an_error_or_a_call_says_is_clean_in_events(settings: Settings) -> None:
    redact = open_redactor(settings).redact
    approval = Approval("a-222222", "run_code", {"code": f"export TOKEN={TOKEN}"}, "pending")
    told: list[Event] = [
        TurnFailed("s", "provider", f"the server says: token {TOKEN}", f"hint password={PASSWORD}"),
        ToolStarted(1, "search_logs", {"pattern": TOKEN, "limit": 3}),
        ApprovalRequested(approval),
        TurnFinished("s", "", "answered", approvals=(approval,)),
    ]
    shown = json.dumps([to_json(cleaned(event, redact)) for event in told])
    assert TOKEN not in shown
    assert PASSWORD not in shown
    assert '"limit": 3' in shown
