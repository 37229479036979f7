import asyncio
import subprocess
from pathlib import Path

import pytest

from assistant.cli.completion import model_names, session_ids
from assistant.models.catalog import load_catalog
from assistant.sessions import StoredTurn, open_sessions
from tests.assistant.cli.program import Program
from tools.evidence import Ledger


@pytest.fixture
def data_dir(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("MIDWATCH_DATA_DIR", str(tmp_path / "data"))
    return tmp_path / "data"


async def keep(data_dir: Path, session: str, question: str) -> None:
    async with open_sessions(data_dir) as store:
        await store.keep(session, StoredTurn(question, "because"), Ledger())


def test_models_by_the_beginning_of_their_name() -> None:
    names = [entry.name for entry in load_catalog()]
    assert [name for name, _ in model_names("")] == names
    assert [name for name, _ in model_names("qwen2.5-coder-0")] == ["qwen2.5-coder-0.5b"]
    assert model_names("no such") == []


async def test_sessions_by_the_beginning_of_their_id(data_dir: Path) -> None:
    await keep(data_dir, "aa11aa11", "why?")
    await keep(data_dir, "ab22ab22", "and now?")
    assert session_ids("") == [("ab22ab22", "and now"), ("aa11aa11", "why")]
    assert session_ids("aa") == [("aa11aa11", "why")]


async def test_a_question_cannot_run_anything_in_the_shell(data_dir: Path) -> None:
    await keep(data_dir, "aa11aa11", "is \\$(touch x) `id` \"down'; rm")
    assert session_ids("") == [("aa11aa11", "is touch x id down rm")]


def test_where_there_are_no_sessions_nothing_is_offered_or_made(data_dir: Path) -> None:
    assert session_ids("") == []
    assert not data_dir.exists()


def test_unusable_settings_offer_nothing(data_dir: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MIDWATCH_MODEL_THREADS", "many")
    assert session_ids("") == []
    monkeypatch.delenv("MIDWATCH_MODEL_THREADS")
    data_dir.mkdir()
    (data_dir / "sessions.db").write_bytes(b"no database " * 100)
    assert session_ids("") == []


def complete(program: Program, words: str) -> list[str]:
    """What bash is offered for the last of `words`."""
    program.environment |= {
        "_MIDWATCH_COMPLETE": "complete_bash",
        "COMP_WORDS": words,
        "COMP_CWORD": str(len(words.split(" ")) - 1),
    }
    return program.run().out.split()


def test_the_shell_gets_names_and_ids(program: Program) -> None:
    asyncio.run(keep(Path(program.environment["MIDWATCH_DATA_DIR"]), "aa11aa11", "why?"))
    assert complete(program, "midwatch se") == ["serve", "search", "services", "sessions"]
    assert complete(program, "midwatch --model qwen2.5-coder-0") == ["qwen2.5-coder-0.5b"]
    assert complete(program, "midwatch model pull qwen2.5-coder-0") == ["qwen2.5-coder-0.5b"]
    assert complete(program, "midwatch ask --session ") == ["aa11aa11"]
    assert complete(program, "midwatch sessions show a") == ["aa11aa11"]


@pytest.mark.parametrize(
    ("shell", "file"),
    [
        ("bash", ".bash_completions/midwatch.sh"),
        ("zsh", ".zfunc/_midwatch"),
        ("fish", ".config/fish/completions/midwatch.fish"),
    ],
)
def test_completion_is_installed_for_each_shell(
    shell: str, file: str, program: Program, tmp_path: Path
) -> None:
    program.environment |= {
        "HOME": str(tmp_path),
        # Typer asks for the shell's name instead of looking at who started it.
        "_TYPER_COMPLETE_TEST_DISABLE_SHELL_DETECTION": "1",
    }
    shown = program.run("--show-completion", shell)
    assert (shown.status, shown.err) == (0, "")
    assert "_MIDWATCH_COMPLETE" in shown.out
    assert program.run("--install-completion", shell).status == 0
    script = tmp_path / file
    assert "midwatch" in script.read_text()
    if shell == "bash":
        subprocess.run(["bash", "-n", script], check=True)
