from __future__ import annotations

from pathlib import Path

import llama_cpp.llama_cpp as api

from assistant.engine.llama.library import hearing_errors, initialise, listening


def load(path: Path) -> None:
    parameters = api.llama_model_default_params()
    assert not api.llama_model_load_from_file(str(path).encode(), parameters)


def test_errors_are_heard_inside_the_block_only(tmp_path: Path) -> None:
    initialise()
    path = tmp_path / "no.gguf"
    with hearing_errors() as errors:
        load(path)
    assert any("no.gguf" in error for error in errors)
    heard = list(errors)
    load(path)
    assert errors == heard


def test_a_listener_hears_all_that_is_logged(tmp_path: Path) -> None:
    initialise()
    path = tmp_path / "no.gguf"
    lines: list[tuple[int, str]] = []
    with listening(lambda level, text: lines.append((level, text))), hearing_errors() as errors:
        load(path)
    assert [text for _, text in lines if text in errors] == errors
    assert errors
