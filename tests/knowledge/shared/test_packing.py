from __future__ import annotations

import json
import random

import pytest

from knowledge.shared.packing import packed, unpacked


@pytest.mark.parametrize(
    "data", [b"", b"\0", b"the disk is full " * 100, random.Random(1).randbytes(999)]
)
def test_bytes_come_back_from_text_that_json_takes_as_it_is(data: bytes) -> None:
    text = packed(data)
    assert json.dumps(text) == f'"{text}"'
    assert unpacked(text) == data


def test_text_that_repeats_itself_gets_small() -> None:
    assert len(packed(b"the disk is full " * 100)) < 100
