import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from importlib.metadata import version
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

from assistant.cli.main import app
from tests.assistant.cli.program import ROOT, Ran

Midwatch = Callable[..., Ran]


def commands() -> Iterator[tuple[str, ...]]:
    """Every command and group there is, by the words that call it."""

    def below(command: object, words: tuple[str, ...]) -> Iterator[tuple[str, ...]]:
        yield words
        for name, child in getattr(command, "commands", {}).items():
            yield from below(child, (*words, name))

    return below(typer.main.get_command(app), ())


@pytest.mark.parametrize("words", commands(), ids=" ".join)
def test_every_command_explains_itself(words: tuple[str, ...]) -> None:
    shown = CliRunner().invoke(app, [*words, "--help"])
    assert shown.exit_code == 0
    assert "Usage:" in shown.output
    assert CliRunner().invoke(app, [*words, "-h"]).output == shown.output


def test_the_commands_of_the_design_are_there() -> None:
    assert {" ".join(words) for words in commands()} >= {
        "ask",
        "config init",
        "config path",
        "config show",
        "doctor",
        "host",
        "ingest",
        "logs",
        "metrics",
        "model list",
        "model path",
        "model pull",
        "model verify",
        "probe",
        "search",
        "services list",
        "services status",
        "sessions delete",
        "sessions list",
        "sessions show",
    }


HEAVY = (
    "aiosqlite",
    "chromadb",
    "cryptography",
    "dns",
    "docker",
    "httpx",
    "huggingface_hub",
    "jinja2",
    "jsonschema",
    "kubernetes",
    "langchain",
    "langchain_core",
    "langgraph",
    "llama_cpp",
    "markdown_it",
    "numpy",
    "onnxruntime",
    "openai",
    "platformdirs",
    "polars",
    "psutil",
    "regex",
    "rich.console",
    "sentence_transformers",
    "tokenizers",
    "torch",
    "transformers",
    "yaml",
)
MODEL_PARTS = ("langchain", "langchain_core", "langgraph", "llama_cpp", "torch", "openai")
NO_MODEL = (*MODEL_PARTS, "chromadb", "onnxruntime", "tokenizers", "sentence_transformers")


def imported(code: str, folder: Path) -> set[str]:
    """The modules that a fresh Python holds after `code`."""
    script = f"import sys\n{code}\nprint('MODULES', *sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", script],
        cwd=folder,
        env={
            "PYTHONPATH": str(ROOT),
            "HOME": str(Path.home()),
            "XDG_CONFIG_HOME": str(folder),
            "MIDWATCH_DATA_DIR": str(folder / "data"),
        },
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=True,
    )
    return set(done.stdout.rpartition("MODULES")[2].split())


def after(*arguments: str) -> str:
    return f"""
from assistant.cli.main import app
status = app({list(arguments)!r}, standalone_mode=False)
assert status in (None, 0), status
"""


@pytest.mark.parametrize("code", ["import assistant.cli.main", after("--help")])
def test_help_needs_nothing_heavy(code: str, tmp_path: Path) -> None:
    assert imported(code, tmp_path) & {*HEAVY, "pydantic"} == set()


@pytest.mark.parametrize(
    ("arguments", "unneeded"),
    [
        pytest.param(("logs", "app.log"), NO_MODEL, id="logs"),
        # Typer itself reads a command's parameters with pydantic.
        pytest.param(("ask", "--help"), HEAVY, id="ask --help"),
        pytest.param(("logs", "--help"), HEAVY, id="logs --help"),
        pytest.param(("metrics", "--help"), HEAVY, id="metrics --help"),
        pytest.param(("host", "--help"), HEAVY, id="host --help"),
        pytest.param(("probe", "--help"), HEAVY, id="probe --help"),
        pytest.param(("host",), (*NO_MODEL, "numpy", "polars", "httpx"), id="host"),
        pytest.param(("model", "pull", "-h"), HEAVY, id="model pull -h"),
        pytest.param(("model", "list"), NO_MODEL, id="model list"),
        pytest.param(("config", "show"), NO_MODEL, id="config show"),
        pytest.param(("sessions", "list"), NO_MODEL, id="sessions list"),
    ],
)
def test_a_command_imports_only_what_it_needs(
    arguments: tuple[str, ...], unneeded: tuple[str, ...], tmp_path: Path
) -> None:
    (tmp_path / "app.log").write_text("2026-03-01T02:00:00Z ERROR no disk\n")
    assert imported(after(*arguments), tmp_path) & set(unneeded) == set()


def test_searching_runbooks_needs_no_model(tmp_path: Path) -> None:
    (tmp_path / "disk.md").write_text("# Disk full\n\nDelete what is old.\n")
    imported(after("ingest", "disk.md"), tmp_path)
    searching = imported(after("search", "the disk is full"), tmp_path)
    assert "chromadb" in searching
    assert searching & {*MODEL_PARTS, "sentence_transformers"} == set()


def test_without_a_command_there_is_help(midwatch: Midwatch) -> None:
    ran = midwatch()
    assert ran.status == 2
    assert "Usage: midwatch" in ran.out + ran.err


def test_the_version(midwatch: Midwatch) -> None:
    assert midwatch("--version") == Ran(0, f"midwatch {version('midwatch')}\n", "")


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        (("aks", "why?"), "aks"),
        (("logs",), "sources"),
        (("logs", "--sinse", "2h", "x.log"), "--sinse"),
        (("logs", "x.log", "-n", "many"), "-n"),
        (("search", "x", "-k", "0"), "-k"),
        (("ask", "two", "questions"), "questions"),
        (("sessions", "delete"), "session"),
        (("config", "paht"), "paht"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else value,
)
def test_wrong_usage_is_named_and_ends_with_2(
    arguments: tuple[str, ...], named: str, midwatch: Midwatch
) -> None:
    ran = midwatch(*arguments)
    assert ran.status == 2
    assert ran.out == ""
    assert "Usage: midwatch" in ran.said
    assert named in ran.said.rpartition("Error:")[2]


def test_a_failure_is_a_sentence_and_the_next_step(midwatch: Midwatch) -> None:
    ran = midwatch("logs", "nowhere.log")
    assert ran == Ran(
        1,
        "",
        "midwatch: nowhere.log is neither a file nor a log source\n"
        "  sources in the settings: none are configured\n",
    )


def test_what_nobody_foresaw_is_a_sentence_too(
    midwatch: Midwatch, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise ZeroDivisionError("by zero")

    monkeypatch.setattr("assistant.settings.load_settings", fail)
    ran = midwatch("config", "show")
    assert (ran.status, ran.out) == (1, "")
    assert "ZeroDivisionError: by zero" in ran.said
    assert "--verbose" in ran.said


def test_verbose_logs_the_traceback(midwatch: Midwatch, caplog: pytest.LogCaptureFixture) -> None:
    ran = midwatch("--verbose", "logs", "nowhere.log")
    assert ran.status == 1
    assert "SourceNotFound" in caplog.text


def test_a_name_in_an_error_does_not_steer_the_terminal(midwatch: Midwatch) -> None:
    ran = midwatch("logs", "a\x1b]0;title\x07.log")
    assert ran.status == 1
    assert r"a\x1b]0;title\x07.log" in ran.said
    assert not re.search(r"[\x1b\x07]", ran.err)
