"""Code that a person agreed to: in the real sandbox, or not at all."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import aclosing, asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from assistant.approvals.person import Person, system_person
from assistant.events import Event, TurnFailed, TurnFinished
from assistant.interface import DecideRequest, RunRequest
from assistant.local import LocalAssistant, open_local_assistant
from assistant.settings import ApprovalsSettings, DataSettings, Settings
from tools.errors import SandboxUnavailable
from tools.sandbox.problem import sandbox_problem

ME = system_person("cli")
TOKEN = "ghp_" + "a1B2c3D4e5F6" * 3
needs_sandbox = pytest.mark.skipif(sandbox_problem() is not None, reason=str(sandbox_problem()))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder that nobody, whom the program runs as under root, can get at."""
    tmp_path.chmod(0o755)
    for parent in tmp_path.parents:
        if parent.owner() == "root" and parent.name.startswith("pytest"):
            parent.chmod(0o755)
    work = tmp_path / "work"
    work.mkdir()
    (work / "old.log").write_text("a\n")
    return work


@asynccontextmanager
async def opened(tmp_path: Path, **sections: Any) -> AsyncIterator[LocalAssistant]:
    settings = Settings(data=DataSettings(dir=tmp_path / "data"), **sections)
    async with open_local_assistant(settings) as assistant:
        yield assistant


async def decide(assistant: LocalAssistant, approval: str, person: Person = ME) -> Event:
    request = DecideRequest(approval, "approved", person)
    async with aclosing(assistant.decide(request)) as events:
        return [event async for event in events][-1]


@needs_sandbox
async def test_nothing_runs_before_somebody_agrees(tmp_path: Path, folder: Path) -> None:
    code = "rm -- old.log\necho done > result.txt\ncat result.txt\n"
    async with opened(tmp_path) as assistant:
        approval = await assistant.order(RunRequest("bash", code, ME, folder))
        assert (folder / "old.log").exists()
        ended = await decide(assistant, approval.id)
    assert isinstance(ended, TurnFinished), ended
    assert ended.approvals[0].outcome == "worked"
    assert not (folder / "old.log").exists()
    assert "**Output**\n\n```text\ndone\n```" in ended.answer
    assert "deleted old.log" in ended.answer
    assert "created result.txt" in ended.answer


@needs_sandbox
async def test_a_program_that_fails_is_told_with_what_it_wrote(tmp_path: Path) -> None:
    code = f"import sys\nprint('token {TOKEN}', file=sys.stderr)\nsys.exit(3)\n"
    async with opened(tmp_path) as assistant:
        approval = await assistant.order(RunRequest("python", code, ME))
        ended = await decide(assistant, approval.id)
    assert isinstance(ended, TurnFinished), ended
    assert ended.approvals[0].outcome == "failed"
    assert "ended with status 3" in ended.answer
    assert TOKEN not in ended.answer


@needs_sandbox
async def test_other_code_needs_another_approval(tmp_path: Path) -> None:
    async with opened(tmp_path) as assistant:
        one = await assistant.order(RunRequest("bash", "echo a", ME))
        same = await assistant.order(RunRequest("bash", "echo a", ME))
        other = await assistant.order(RunRequest("bash", "echo a ", ME))
        online = await assistant.order(RunRequest("bash", "echo a", ME, has_network=True))
    assert one.id == same.id
    assert len({one.id, other.id, online.id}) == 3


@needs_sandbox
async def test_who_may_not_decide_runs_nothing(tmp_path: Path, folder: Path) -> None:
    sections = {"approvals": ApprovalsSettings(allow=("cli:*:restart_service",))}
    async with opened(tmp_path, **sections) as assistant:
        approval = await assistant.order(RunRequest("bash", "touch new", ME, folder))
        ended = await decide(assistant, approval.id)
    assert isinstance(ended, TurnFailed)
    assert not (folder / "new").exists()


async def test_without_a_sandbox_nothing_is_even_asked_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tools.sandbox.problem.sandbox_problem", lambda: "bwrap is missing")
    async with opened(tmp_path) as assistant:
        with pytest.raises(SandboxUnavailable, match="bwrap is missing"):
            await assistant.order(RunRequest("bash", "echo a", ME))
        assert await assistant.approvals() == []


@needs_sandbox
async def test_a_sandbox_that_is_gone_since_refuses(
    tmp_path: Path, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with opened(tmp_path) as assistant:
        approval = await assistant.order(RunRequest("bash", "touch new", ME, folder))
        monkeypatch.setattr("tools.sandbox.problem.sandbox_problem", lambda: "bwrap is missing")
        ended = await decide(assistant, approval.id)
    assert isinstance(ended, TurnFinished), ended
    assert ended.approvals[0].outcome == "refused"
    assert not (folder / "new").exists()


async def test_a_folder_that_is_none_is_refused(tmp_path: Path) -> None:
    async with opened(tmp_path) as assistant:
        with pytest.raises(SandboxUnavailable):
            await assistant.order(RunRequest("bash", "echo a", ME, tmp_path / "nowhere"))
