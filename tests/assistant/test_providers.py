from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest
from langchain_core.messages import HumanMessage

from assistant.errors import ModelError
from assistant.providers import model_path, models_dir, num_threads, open_local_model
from assistant.settings import DataSettings, ModelSettings, Settings


def test_models_are_kept_in_the_data_folder_unless_set(tmp_path: Path) -> None:
    data = DataSettings(dir=tmp_path)
    assert models_dir(Settings(data=data)) == tmp_path / "models"
    elsewhere = ModelSettings(dir=tmp_path / "elsewhere")
    assert models_dir(Settings(data=data, model=elsewhere)) == tmp_path / "elsewhere"


def test_threads_are_those_that_this_process_may_use(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: {0, 3, 5})
    assert num_threads(ModelSettings()) == 3
    assert num_threads(ModelSettings(threads=7)) == 7


def settings_for(tmp_path: Path, name: str) -> Settings:
    return Settings(data=DataSettings(dir=tmp_path), model=ModelSettings(name=name))


def test_missing_model_says_how_to_get_it(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="coder-1") as caught:
        model_path(settings_for(tmp_path, "qwen2.5-coder-1.5b"))
    assert "midwatch model pull" in caught.value.hint


def test_unknown_model_is_named(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="gpt-9"):
        model_path(settings_for(tmp_path, "gpt-9"))


@pytest.mark.parametrize("content", [b"", b"GGUF", b"<html>not found</html>" * 50])
def test_file_that_is_no_whole_model_is_refused_before_it_is_loaded(
    tmp_path: Path, content: bytes
) -> None:
    file = tmp_path / "broken.gguf"
    file.write_bytes(content)
    with pytest.raises(ModelError, match="broken"):
        open_local_model(settings_for(tmp_path, str(file)))


@pytest.mark.model
async def test_settings_reach_the_real_model(
    model_file: Callable[[str], Path], tmp_path: Path
) -> None:
    chosen = ModelSettings(
        name=str(model_file("qwen2.5-coder-0.5b")),
        context_tokens=1024,
        threads=1,
        max_answer_tokens=32,
        temperature=0.0,
    )
    model = open_local_model(Settings(data=DataSettings(dir=tmp_path), model=chosen))
    try:
        assert model.engine.info.context_tokens == 1024
        message = await model.ainvoke([HumanMessage("Tell a long story of the sea.")])
        assert message.usage_metadata is not None
        assert message.usage_metadata["output_tokens"] == 32
        assert message.response_metadata["finish_reason"] == "length"
    finally:
        await model.aclose()
