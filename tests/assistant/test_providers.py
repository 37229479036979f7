from __future__ import annotations

import itertools
import logging
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from langchain_core.messages import HumanMessage

from assistant.engine.errors import ModelLoadError
from assistant.engine.interface import Priority
from assistant.engine.load import Adapter, LoadOptions
from assistant.errors import ModelError
from assistant.providers import (
    light_settings,
    load_options,
    load_with_fewer,
    model_adapters,
    model_path,
    models_dir,
    open_light_model,
    open_local_model,
    plan_for,
)
from assistant.settings import DataSettings, ModelSettings, Settings
from tests.assistant.models.gguf_file import write_adapter, write_tiny_model


def test_models_are_kept_in_the_data_folder_unless_set(tmp_path: Path) -> None:
    data = DataSettings(dir=tmp_path)
    assert models_dir(Settings(data=data)) == tmp_path / "models"
    elsewhere = ModelSettings(dir=tmp_path / "elsewhere")
    assert models_dir(Settings(data=data, model=elsewhere)) == tmp_path / "elsewhere"


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
async def test_file_that_is_no_whole_model_is_refused_before_it_is_loaded(
    tmp_path: Path, content: bytes
) -> None:
    file = tmp_path / "broken.gguf"
    file.write_bytes(content)
    with pytest.raises(ModelError, match="broken"):
        await open_local_model(settings_for(tmp_path, str(file)))


def test_adapters_are_those_that_fit_the_model(tmp_path: Path) -> None:
    model = write_tiny_model(tmp_path / "model.gguf")
    path = write_adapter(tmp_path / "lora.gguf")
    assert model_adapters(ModelSettings(), model) == ()
    fitting = ModelSettings(adapters=(str(path), f"{path}=0.5"))
    assert model_adapters(fitting, model) == (Adapter(path), Adapter(path, 0.5))
    with pytest.raises(ModelError, match=r"there is no LoRA adapter at gone\.gguf"):
        model_adapters(ModelSettings(adapters=("gone.gguf",)), model)


def test_every_choice_reaches_the_engine(tmp_path: Path) -> None:
    settings = ModelSettings(
        context_tokens=2048,
        threads=3,
        cache_tokens=4096,
        kv_type="q8_0",
        gpu_layers=2,
        tensor_split=(2, 1),
    )
    path = write_tiny_model(tmp_path / "model.gguf")
    adapters = (Adapter(tmp_path / "lora.gguf"),)
    plan = plan_for(settings, path)
    assert load_options(settings, plan, adapters, is_mapped=True) == LoadOptions(
        context_tokens=2048,
        num_threads=3,
        cache_tokens=4096,
        gpu_layers=2,
        tensor_split=(2, 1),
        kv_type="q8_0",
        has_flash_attention=True,
        adapters=adapters,
        is_mapped=True,
    )


def test_light_model_is_loaded_small_and_leaves_the_gpu_alone() -> None:
    settings = ModelSettings(
        name="large.gguf",
        light="small.gguf",
        threads=3,
        context_tokens=32768,
        cache_tokens=65536,
        gpu_layers="auto",
        tensor_split=(2, 1),
        adapters=("lora.gguf",),
        speculation=True,
    )
    light = light_settings(settings)
    assert (light.name, light.threads) == ("small.gguf", 1)
    assert (light.context_tokens, light.cache_tokens) == (2048, 2048)
    assert (light.gpu_layers, light.tensor_split, light.adapters) == (0, (), ())
    assert not light.speculation
    assert light.snapshot_mib == 0


class Gpu:
    """Loading on a GPU that has room for `num_layers`."""

    def __init__(self, num_layers: int) -> None:
        self.num_layers = num_layers
        self.tried: list[int] = []

    def load(self, options: LoadOptions) -> LoadOptions:
        self.tried.append(options.gpu_layers)
        if options.gpu_layers > self.num_layers:
            raise ModelLoadError("no memory for the weights")
        return options


@pytest.mark.parametrize(
    ("asked", "room", "tried"),
    [
        (29, 29, [29]),
        (29, 20, [29, 14]),
        (29, 13, [29, 14, 0]),
        (1, 0, [1, 0]),
        (0, 0, [0]),
        (29, -1, [29, 14, 0]),
        (0, -1, [0]),
    ],
)
def test_loading_goes_on_with_fewer_layers_on_the_gpu(
    caplog: pytest.LogCaptureFixture, asked: int, room: int, tried: list[int]
) -> None:
    gpu, options = Gpu(room), LoadOptions(2048, 2, gpu_layers=asked, tensor_split=(1, 1))
    with caplog.at_level(logging.WARNING):
        if room < 0:
            with pytest.raises(ModelLoadError, match="no memory"):
                load_with_fewer(gpu.load, options)
        else:
            assert load_with_fewer(gpu.load, options) == replace(options, gpu_layers=tried[-1])
    assert gpu.tried == tried
    said = [record.getMessage() for record in caplog.records]
    assert said == [
        f"no memory for the weights; {more} layers on the GPU were too many, trying {fewer}"
        for more, fewer in itertools.pairwise(tried)
    ]


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
    model = await open_local_model(Settings(data=DataSettings(dir=tmp_path), model=chosen))
    try:
        assert model.engine.info.context_tokens == 1024
        message = await model.ainvoke([HumanMessage("Tell a long story of the sea.")])
        assert message.usage_metadata is not None
        assert message.usage_metadata["output_tokens"] == 32
        assert message.response_metadata["finish_reason"] == "length"
    finally:
        await model.aclose()


@pytest.mark.model
async def test_light_model_waits_for_all_other_work(
    model_file: Callable[[str], Path], tmp_path: Path
) -> None:
    chosen = ModelSettings(name="/nowhere.gguf", light=str(model_file("qwen2.5-coder-0.5b")))
    model = await open_light_model(Settings(data=DataSettings(dir=tmp_path), model=chosen))
    try:
        assert model.priority is Priority.BACKGROUND
        assert model.engine.info.context_tokens == 2048
    finally:
        await model.aclose()
