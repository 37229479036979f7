import io
import json
import sys
from pathlib import Path

import pytest
from rich.console import Console

from assistant.demo.run import QUESTION, _drop_outdated, _share_models, main, run
from knowledge.base import open_knowledge_base

STUB = """
import json, os, pathlib, sys, tomllib
settings = tomllib.loads(pathlib.Path(sys.argv[2]).read_text())
calls = pathlib.Path(os.environ["STUB_CALLS"])
with calls.open("a") as file:
    file.write(json.dumps(sys.argv[1:]) + "\\n")
if sys.argv[3] == "ask":
    log = pathlib.Path(settings["logs"]["sources"]["payments"]).read_text()
    print("stub:", "token refused" in log, flush=True)
sys.exit(int(os.environ.get("STUB_FAILS_" + sys.argv[3].upper(), 0)))
"""


@pytest.fixture
def stub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """A command line that records its arguments and, asked, says whether the shop is broken."""
    (tmp_path / "stub.py").write_text(STUB)
    monkeypatch.setenv("STUB_CALLS", str(tmp_path / "calls.jsonl"))
    return [sys.executable, str(tmp_path / "stub.py")]


def test_the_users_models_are_shared_not_copied(tmp_path: Path) -> None:
    (tmp_path / "models").mkdir()
    (tmp_path / "models" / "m.gguf").write_text("GGUF")
    for _ in range(2):
        _share_models(tmp_path / "models", tmp_path / "data")
        assert (tmp_path / "data" / "models" / "m.gguf").read_text() == "GGUF"
    _share_models(tmp_path / "elsewhere", tmp_path / "data")
    assert (tmp_path / "data" / "models").readlink() == tmp_path / "elsewhere"
    assert (tmp_path / "data" / "models").is_dir()


def test_runbooks_that_an_older_version_read_are_read_again(tmp_path: Path) -> None:
    folder = tmp_path / "knowledge"
    folder.mkdir()
    with open_knowledge_base(tmp_path, tmp_path / "cache") as base:
        assert base.is_empty()
    _drop_outdated(folder)
    assert folder.exists()
    (folder / "documents.sqlite3").write_bytes(b"the oldest list")
    _drop_outdated(folder)
    assert not folder.exists()


def calls(folder: Path) -> list[list[str]]:
    return [json.loads(line)[2:] for line in (folder / "calls.jsonl").read_text().splitlines()]


@pytest.mark.system
def test_the_story_from_model_to_answer(
    stub: list[str], tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    told = io.StringIO()
    console = Console(file=told, width=40)
    assert run(tmp_path / "demo", tmp_path / "models", stub, console, baseline_s=0.5) == 0
    commands = calls(tmp_path)
    assert commands[0] == ["model", "pull"]
    assert commands[1][0] == "ingest"
    assert len(list(Path(commands[1][1]).glob("*.md"))) == 8
    assert commands[2:] == [["services", "list"], ["ask", QUESTION]]
    assert capfd.readouterr().out == "stub: True\n"
    assert "gets: HTTP 502 Bad Gateway" in told.getvalue()
    assert [line[:3] for line in told.getvalue().splitlines() if "/6  " in line] == [
        f"{step}/6" for step in range(1, 7)
    ]
    assert f"$ midwatch --config {tmp_path}/demo/midwatch.toml ask" in told.getvalue()


@pytest.mark.system
def test_the_exit_code_is_that_of_ask(
    stub: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("STUB_FAILS_ASK", "3")
    console = Console(file=io.StringIO())
    assert run(tmp_path / "demo", tmp_path / "models", stub, console, baseline_s=0) == 3


def test_without_a_model_nothing_else_is_tried(
    stub: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("STUB_FAILS_MODEL", "1")
    told = io.StringIO()
    assert run(tmp_path / "demo", tmp_path / "models", stub, Console(file=told)) == 1
    assert calls(tmp_path) == [["model", "pull"]]
    assert "exit code 1" in told.getvalue()


def test_a_problem_is_one_line_and_a_hint(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "cache").touch()
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    monkeypatch.setattr("signal.signal", lambda *_: None)
    assert main() == 1
    assert "cannot write in" in capsys.readouterr().err
