from __future__ import annotations

import pytest

from tools.sandbox.output import Capture


@pytest.mark.parametrize(
    ("parts", "texts", "cut_bytes"),
    [
        ([b""], [], 0),
        ([b"ab", b"c", b""], ["ab", "c"], 0),
        ([b"abcde", b"fgh", b""], ["abcde", "f"], 2),
        ([b"abcdef", b"g", b"h", b""], ["abcdef"], 2),
        ([b"\xc3", b"\xa9", b""], ["é"], 0),
        ([b"a\xff", b"\xc3", b""], ["a\ufffd", "\ufffd"], 0),
        ([b"abcde\xc3\xa9", b""], ["abcde", "\ufffd"], 1),
    ],
)
def test_the_first_six_bytes_are_kept(parts: list[bytes], texts: list[str], cut_bytes: int) -> None:
    came: list[str] = []
    capture = Capture(6, came.append)
    for part in parts:
        capture.feed(part)
    assert came == texts
    assert (capture.text, capture.cut_bytes) == ("".join(texts), cut_bytes)
    assert capture.num_bytes == sum(map(len, parts))
