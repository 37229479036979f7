import struct
from collections.abc import Callable
from pathlib import Path

import pytest

from assistant.errors import ModelError
from assistant.models.gguf import check_whole

MakeGguf = Callable[..., bytes]


def test_the_header_says_how_long_the_file_must_be(tmp_path: Path, make_gguf: MakeGguf) -> None:
    path = tmp_path / "model.gguf"
    path.write_bytes(make_gguf())
    header = check_whole(path)
    assert (header.version, header.num_tensors) == (3, 2)
    assert header.min_size_bytes == path.stat().st_size
    assert header.header_bytes == path.stat().st_size - 256 - 288


def test_single_values_are_kept_and_lists_are_not(tmp_path: Path, make_gguf: MakeGguf) -> None:
    path = tmp_path / "model.gguf"
    path.write_bytes(make_gguf())
    header = check_whole(path)
    assert header.values == {
        "general.architecture": "qwen2",
        "general.alignment": 64,
        "a.flag": True,
    }
    assert (header.kind, header.architecture, header.num_layers) == ("model", "qwen2", 0)
    assert header.is_quantized


def test_short_lists_of_numbers_and_the_sizes_of_tensors_are_kept(
    tmp_path: Path, make_gguf: MakeGguf
) -> None:
    path = tmp_path / "model.gguf"
    path.write_bytes(make_gguf())
    header = check_whole(path)
    assert header.lists == {"tokenizer.ggml.token_type": [1, 2]}
    assert header.tensor_bytes == {"first.weight": 256, "second.weight": 288}


@pytest.mark.model
def test_the_header_of_a_real_model(model_file: Callable[[str], Path]) -> None:
    path = model_file("qwen2.5-coder-0.5b")
    header = check_whole(path)
    assert header.min_size_bytes == path.stat().st_size
    assert (header.kind, header.architecture, header.num_layers) == ("model", "qwen2", 24)
    assert header.is_quantized
    assert header.values["general.file_type"] == 15
    # A vocabulary is no short list.
    assert header.lists == {}
    assert str(header.values["tokenizer.chat_template"]).startswith("{%- if tools %}")


def test_a_file_may_be_longer_than_its_tensors(tmp_path: Path, make_gguf: MakeGguf) -> None:
    path = tmp_path / "model.gguf"
    path.write_bytes(make_gguf() + b"padding")
    assert check_whole(path).num_tensors == 2


def test_a_file_cut_anywhere_is_refused(tmp_path: Path, make_gguf: MakeGguf) -> None:
    whole = make_gguf()
    path = tmp_path / "model.gguf"
    for length in range(4, len(whole), 5):
        path.write_bytes(whole[:length])
        with pytest.raises(ModelError, match="cut off"):
            check_whole(path)


def test_a_cut_in_the_tensors_is_told_in_figures(tmp_path: Path, make_gguf: MakeGguf) -> None:
    whole = make_gguf()
    path = tmp_path / "model.gguf"
    path.write_bytes(whole[:-100])
    with pytest.raises(ModelError, match=rf"{len(whole) - 100:,} bytes.* need {len(whole):,}"):
        check_whole(path)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "it is empty"),
        (b"\x7fELF and so on", r"it starts with b'\\x7fELF'"),
        (b"GGU", "it starts with b'GGU'"),
    ],
)
def test_a_file_of_another_kind_is_refused(tmp_path: Path, content: bytes, message: str) -> None:
    path = tmp_path / "model.gguf"
    path.write_bytes(content)
    with pytest.raises(ModelError, match=message):
        check_whole(path)


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        ({"version": 1}, "GGUF version 1 is unknown"),
        ({"version": 3 << 24}, "GGUF version 50331648 is unknown"),
        ({"num_dimensions": 5}, "a tensor has 5 dimensions"),
        ({"value_kind": 99}, "a value of unknown type 99"),
    ],
)
def test_a_damaged_header_is_refused(
    tmp_path: Path, make_gguf: MakeGguf, damage: dict[str, int], message: str
) -> None:
    path = tmp_path / "model.gguf"
    path.write_bytes(make_gguf(**damage))
    with pytest.raises(ModelError, match=message):
        check_whole(path)


def test_absurd_counts_end_at_the_end_of_the_file(tmp_path: Path) -> None:
    path = tmp_path / "model.gguf"
    path.write_bytes(b"GGUF" + struct.pack("<IQQ", 3, 1 << 62, 1 << 62) + b"\xff" * 1000)
    with pytest.raises(ModelError, match="its header does not end within its 1,024 bytes"):
        check_whole(path)


def test_a_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="cannot be read: Is a directory"):
        check_whole(tmp_path)
