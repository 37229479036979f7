"""What people get wrong, and what machines break: a clear message, the right status, no loss."""

import gzip
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.assistant.cli.conftest import payments_lines
from tests.assistant.cli.program import LIGHT_MODEL, Program, Ran

Midwatch = Callable[..., Ran]
Settings = Callable[[str], Path]


def refused(ran: Ran, *named: str) -> None:
    """Assert that the command failed in a sentence that names these, and a next step."""
    assert (ran.status, ran.out) == (1, "")
    # Progress may stand above it.
    message, _, hint = ran.said[ran.said.index("midwatch: ") :].partition("\n")
    assert all(name in message for name in named), message
    assert hint.startswith("  ")
    assert "something in midwatch failed" not in message


# The model


def gguf(content: bytes) -> Callable[[Path], Path]:
    def write(folder: Path) -> Path:
        path = folder / "model.gguf"
        path.write_bytes(content)
        return path

    return write


def truncated(folder: Path) -> Path:
    header = b"GGUF" + (3).to_bytes(4, "little") + (200).to_bytes(8, "little")
    return gguf(header + (30).to_bytes(8, "little") + b"\x00" * 4000)(folder)


def directory(folder: Path) -> Path:
    path = folder / "model.gguf"
    path.mkdir()
    return path


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda folder: folder / "model.gguf", "there is no model file"),
        (directory, "there is no model file"),
        (gguf(b""), "it is empty"),
        (gguf(b"#!/bin/sh\n" * 100), "is not a GGUF model"),
        (truncated, "is cut off or damaged"),
    ],
    ids=["missing", "directory", "empty", "script", "truncated"],
)
def test_a_model_that_is_none(
    make: Callable[[Path], Path],
    said: str,
    midwatch: Midwatch,
    payments_log: Path,
    tmp_path: Path,
) -> None:
    path = make(tmp_path)
    refused(midwatch("--model", path, "ask", "-f", payments_log, "why?"), str(path), said)
    refused(midwatch("--model", path, "model", "path"), str(path), said)
    assert midwatch("sessions", "list").out == ""


def test_a_model_that_was_cut_off_while_it_was_fetched(
    midwatch: Midwatch, payments_log: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MIDWATCH_MODEL_DIR", str(tmp_path))
    (tmp_path / f"{LIGHT_MODEL}-instruct-q4_k_m.gguf").write_bytes(b"GGUF" * 1000)
    ran = midwatch("--model", LIGHT_MODEL, "ask", "-f", payments_log, "why?")
    refused(ran, "has 4,000 bytes instead of 491,400,064")
    assert f"midwatch model pull {LIGHT_MODEL}" in ran.said


def test_a_model_that_nobody_knows(midwatch: Midwatch, payments_log: Path) -> None:
    ran = midwatch("--model", "gpt-9", "ask", "-f", payments_log, "why?")
    refused(ran, "'gpt-9'")
    assert LIGHT_MODEL in ran.said


@pytest.mark.model
def test_a_question_longer_than_the_context(program: Program, payments_log: Path) -> None:
    pasted = "what is wrong?\n" + payments_log.read_text() * 2
    ran = program.run("ask", "-f", payments_log, pasted)
    refused(ran, "tokens and the context holds 8,192")
    assert program.run("sessions", "list").out == ""


# Log files


def binary() -> bytes:
    return bytes(range(256)) * 40


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (None, "does not exist"),
        (binary(), "is not a text file"),
        (gzip.compress(binary()), "is not a text file"),
    ],
    ids=["missing", "binary", "gzipped binary"],
)
def test_a_log_that_cannot_be_read(
    content: bytes | None, said: str, midwatch: Midwatch, payments_log: Path, tmp_path: Path
) -> None:
    path = tmp_path / "app.log"
    if content is not None:
        path.write_bytes(content)
        refused(midwatch("logs", path), str(path), said)
    # One bad attachment among good ones is not passed over in silence.
    refused(midwatch("ask", "-f", payments_log, "-f", path, "why?"), str(path), said)


def test_a_folder_is_no_log(midwatch: Midwatch, tmp_path: Path) -> None:
    refused(midwatch("logs", tmp_path), str(tmp_path), "is a directory")
    refused(midwatch("ask", "-f", tmp_path, "why?"), str(tmp_path), "is a directory")


def test_a_pipe_by_name_is_not_waited_for(midwatch: Midwatch, tmp_path: Path) -> None:
    path = tmp_path / "app.log"
    os.mkfifo(path)
    refused(midwatch("logs", path), "is not a regular file")


def test_an_empty_log_is_read_and_said_to_be_empty(midwatch: Midwatch, tmp_path: Path) -> None:
    path = tmp_path / "app.log"
    path.touch()
    ran = midwatch("logs", path)
    assert ran.status == 0
    assert ran.out.startswith(f"{path}: 0 lines")


@pytest.mark.parametrize("encoding", ["utf-8-sig", "latin-1", "utf-16", "utf-16-be"])
def test_a_log_in_another_encoding_is_read(
    encoding: str, midwatch: Midwatch, tmp_path: Path
) -> None:
    path = tmp_path / "app.log"
    text = "".join(payments_lines()).replace("payments", "Köln")
    mark = "\ufeff" if encoding == "utf-16-be" else ""
    path.write_bytes((mark + text).encode(encoding))
    ran = midwatch("logs", path)
    assert ran.status == 0
    assert "400 lines" in ran.out
    assert "No space left on device" in ran.out
    assert ("Köln" in ran.out) == (encoding != "latin-1")


def test_a_cut_off_gzip_file_is_read_as_far_as_it_goes(midwatch: Midwatch, tmp_path: Path) -> None:
    path = tmp_path / "app.log.gz"
    path.write_bytes(gzip.compress("".join(payments_lines()).encode())[:-40])
    ran = midwatch("logs", path)
    assert ran.status == 0
    assert "cut off or damaged" in ran.out


def huge(path: Path, start: bytes) -> Path:
    """A file of 2 GB that takes no room on the disk: `start`, then nothing but zeros."""
    path.write_bytes(start)
    os.truncate(path, 2_000_000_000)
    return path


def test_a_huge_file_of_nothing_is_refused(midwatch: Midwatch, tmp_path: Path) -> None:
    refused(midwatch("logs", huge(tmp_path / "app.log", b"")), "is not a text file")


def test_of_a_huge_log_the_end_is_read(midwatch: Midwatch, tmp_path: Path) -> None:
    path = huge(tmp_path / "app.log", "".join(payments_lines()).encode())
    with path.open("ab") as file:
        file.write(b"\n2026-03-01T09:00:00Z ERROR payments the clock stands still\n")
    ran = midwatch("logs", path)
    assert ran.status == 0
    assert "the clock stands still" in ran.out
    assert "read the last 192.0 MiB of 1.9 GiB and a sample of 64 blocks before" in ran.out


def test_a_file_that_this_user_may_not_read(program: Program, payments_log: Path) -> None:
    program.heed_permissions()
    payments_log.chmod(0)
    refused(program.run("logs", payments_log), str(payments_log), "Permission denied")


# Bundles


def test_a_bundle_that_is_none(midwatch: Midwatch, payments_log: Path, tmp_path: Path) -> None:
    refused(midwatch("ask", "--bundle", "nowhere", "why?"), "there is no bundle nowhere")
    refused(midwatch("ask", "--bundle", payments_log, "why?"), "is a file, not a bundle folder")
    empty = tmp_path / "empty"
    empty.mkdir()
    refused(midwatch("ask", "--bundle", empty, "why?"), "holds no evidence")


# Settings


@pytest.mark.parametrize(
    ("text", "named", "hint"),
    [
        ('[modle]\nname = "x"', "unknown section [modle]", "did you mean model?"),
        ('[model]\nnmae = "x"', "unknown key 'nmae' in [model]", "did you mean name?"),
        ('[model]\nthreads = "many"', "model.threads = 'many'", "Threads"),
        ("[model]\ncontext_tokens = 10", "model.context_tokens = 10", "tokens"),
        ('[logs]\nwindow = "often"', "logs.window = 'often'", "30m"),
        ("[logs.sources]\na = 3", "logs.sources.a = 3", "Log files by name"),
        ("[model\nname = 1", "is not valid TOML", "line"),
    ],
)
def test_a_typo_in_the_settings(
    text: str, named: str, hint: str, midwatch: Midwatch, settings_file: Settings
) -> None:
    path = settings_file(text)
    ran = midwatch("ask", "why?")
    refused(ran, named, str(path))
    assert hint in ran.said
    assert path.read_text() == text


def test_settings_that_are_no_text(midwatch: Midwatch, settings_file: Settings) -> None:
    path = settings_file("")
    path.write_bytes(b"\xff\xfe")
    refused(midwatch("sessions", "list"), str(path), "is not valid TOML")


def test_a_typo_in_a_variable(midwatch: Midwatch, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MIDWATCH_MODLE_NAME", "x")
    ran = midwatch("ask", "why?")
    refused(ran, "unknown variable MIDWATCH_MODLE_NAME")
    assert "MIDWATCH_MODEL_NAME" in ran.said


def test_a_settings_file_that_is_not_there(midwatch: Midwatch) -> None:
    refused(midwatch("--config", "nowhere.toml", "ask", "why?"), "nowhere.toml")


@pytest.mark.parametrize(
    ("address", "said"),
    [
        ("unix:///nowhere.sock", "there is no supervisor socket at unix:///nowhere.sock"),
        ("ftp://host", "is not an address of supervisor"),
        ("http://127.0.0.1:9", "127.0.0.1:9"),
    ],
)
def test_a_service_manager_that_is_not_there(
    address: str, said: str, midwatch: Midwatch, settings_file: Settings
) -> None:
    settings_file(f'[services]\nsupervisor = "{address}"\n')
    refused(midwatch("services", "list"), said)
    refused(midwatch("services", "status", "checkout"), said)


# The data folder


@pytest.mark.parametrize("command", [("ask", "why?"), ("sessions", "list"), ("ingest", ".")])
def test_a_data_folder_that_cannot_be_made(
    command: tuple[str, ...], midwatch: Midwatch, tmp_path: Path
) -> None:
    file = tmp_path / "file"
    file.write_text("mine")
    ran = midwatch("--data-dir", file / "below", *command)
    refused(ran, str(file / "below"), "Not a directory")
    refused(midwatch("--data-dir", file, *command), str(file))
    assert file.read_text() == "mine"


def test_a_data_folder_that_this_user_may_not_write(program: Program) -> None:
    program.heed_permissions()
    folder = Path(program.environment["MIDWATCH_DATA_DIR"])
    folder.mkdir()
    folder.chmod(0o555)
    refused(program.run("sessions", "list"), str(folder), "Permission denied")
    refused(program.run("ask", "why?"), str(folder), "Permission denied")
    refused(program.run("ingest", "."), str(folder), "Permission denied")
    assert list(folder.iterdir()) == []


@pytest.mark.parametrize("command", [("ask", "why?"), ("sessions", "list")])
def test_a_damaged_database_is_left_as_it_is(
    command: tuple[str, ...], midwatch: Midwatch, tmp_path: Path
) -> None:
    database = tmp_path / "data" / "sessions.db"
    database.parent.mkdir()
    database.write_bytes(b"no database " * 1000)
    refused(midwatch(*command), str(tmp_path / "data"), "file is not a database")
    assert database.read_bytes() == b"no database " * 1000


def test_sessions_that_do_not_exist(midwatch: Midwatch) -> None:
    refused(midwatch("ask", "-c", "and now?"), "there is no session to continue")
    refused(midwatch("ask", "--session", "zz", "and now?"), "no session named 'zz'")
