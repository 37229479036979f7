from __future__ import annotations

from pathlib import Path

import pytest

from assistant.engine.load import Adapter
from assistant.errors import ModelError
from assistant.models.adapters import check_adapters, parse_adapter
from tests.assistant.models.gguf_file import write_adapter, write_gguf, write_tiny_model


@pytest.mark.parametrize(
    ("text", "adapter"),
    [
        ("a.gguf", Adapter(Path("a.gguf"), 1.0)),
        ("a.gguf=0.5", Adapter(Path("a.gguf"), 0.5)),
        ("a.gguf=-2", Adapter(Path("a.gguf"), -2.0)),
        ("/srv/a=b.gguf", Adapter(Path("/srv/a=b.gguf"), 1.0)),
        ("/srv/a=b.gguf=0", Adapter(Path("/srv/a=b.gguf"), 0.0)),
        ("adapter.bin", Adapter(Path("adapter.bin"), 1.0)),
        ("~/a.gguf=2", Adapter(Path.home() / "a.gguf", 2.0)),
    ],
)
def test_a_path_with_or_without_a_scale(text: str, adapter: Adapter) -> None:
    assert parse_adapter(text) == adapter


@pytest.mark.parametrize("text", ["", " ", "=1", "a.gguf=", "a.gguf=half", "a=nan", "a=inf"])
def test_what_is_no_adapter_is_shown_the_form(text: str) -> None:
    with pytest.raises(ValueError, match=r'write "path.gguf" or "path.gguf=0.5"'):
        parse_adapter(text)


def test_an_adapter_of_the_models_architecture_is_fine(tmp_path: Path) -> None:
    model = write_tiny_model(tmp_path / "model.gguf")
    check_adapters([Adapter(write_adapter(tmp_path / "lora.gguf"))], model)


def test_what_cannot_be_an_adapter_of_the_model_is_named(tmp_path: Path) -> None:
    model = write_tiny_model(tmp_path / "model.gguf")
    other = {"general.architecture": "llama"}
    aside = {"general.type": "imatrix"}
    control = {"adapter.type": "control-vector"}
    (tmp_path / "text.gguf").write_text("hello")
    write_gguf(tmp_path / "imatrix.gguf", aside, {})
    write_adapter(tmp_path / "llama.gguf", **other)
    write_adapter(tmp_path / "control.gguf", **control)
    for name, message in {
        "missing.gguf": "there is no LoRA adapter at",
        "text.gguf": "is not a GGUF model: it starts with b'hell'",
        "model.gguf": "is no LoRA adapter: its kind is 'model'",
        "imatrix.gguf": "is no LoRA adapter: its kind is 'imatrix'",
        "control.gguf": "is no LoRA adapter",
        "llama.gguf": "is an adapter for llama models, and model.gguf is of qwen2",
    }.items():
        with pytest.raises(ModelError, match=message) as caught:
            check_adapters([Adapter(tmp_path / name)], model)
        assert name in caught.value.message
        assert caught.value.hint
