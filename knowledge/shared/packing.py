"""Bytes as text, for a store that takes only text: compressed, and safe in JSON as they are."""

from __future__ import annotations

import base64
import zlib

_QUICK = 1  # vectors hardly get smaller by more effort


def packed(data: bytes) -> str:
    """Text that stands for `data`."""
    return base64.b64encode(zlib.compress(data, _QUICK)).decode("ascii")


def unpacked(text: str) -> bytes:
    """What `text` was packed from."""
    return zlib.decompress(base64.b64decode(text))
