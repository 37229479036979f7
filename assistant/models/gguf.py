"""The header of a GGUF file: enough of it to tell a whole model from a damaged one.

Read in pure Python, so that a bad path is refused with figures before llama.cpp is loaded. What the
metadata means is the engine's matter: values are stepped over, not interpreted.
Format: https://github.com/ggml-org/ggml/blob/master/docs/gguf.md
"""

from __future__ import annotations

import mmap
import struct
from dataclasses import dataclass
from math import prod
from pathlib import Path

from assistant.errors import ModelError

MAGIC = b"GGUF"
_VERSIONS = (2, 3)
_DEFAULT_ALIGNMENT = 32
_MAX_DIMENSIONS = 4
_FETCH_AGAIN = "fetch the file again"

# Metadata value types: bytes of each fixed-size one, and the two that have a length of their own.
_VALUE_SIZES = {0: 1, 1: 1, 2: 2, 3: 2, 4: 4, 5: 4, 6: 4, 7: 1, 10: 8, 11: 8, 12: 8}
_STRING, _ARRAY = 8, 9
_UINT32 = 4

# Tensor types: elements and bytes of one block (ggml's `blck_size` and `type_size`).
_BLOCKS = {
    0: (1, 4),  # F32
    1: (1, 2),  # F16
    2: (32, 18),  # Q4_0
    3: (32, 20),  # Q4_1
    6: (32, 22),  # Q5_0
    7: (32, 24),  # Q5_1
    8: (32, 34),  # Q8_0
    10: (256, 84),  # Q2_K
    11: (256, 110),  # Q3_K
    12: (256, 144),  # Q4_K
    13: (256, 176),  # Q5_K
    14: (256, 210),  # Q6_K
    16: (256, 66),  # IQ2_XXS
    17: (256, 74),  # IQ2_XS
    18: (256, 98),  # IQ3_XXS
    19: (256, 50),  # IQ1_S
    20: (32, 18),  # IQ4_NL
    21: (256, 110),  # IQ3_S
    22: (256, 82),  # IQ2_S
    23: (256, 136),  # IQ4_XS
    24: (1, 1),  # I8
    25: (1, 2),  # I16
    26: (1, 4),  # I32
    27: (1, 8),  # I64
    28: (1, 8),  # F64
    29: (256, 56),  # IQ1_M
    30: (1, 2),  # BF16
    34: (256, 54),  # TQ1_0
    35: (256, 66),  # TQ2_0
    39: (32, 17),  # MXFP4
}


@dataclass(frozen=True, slots=True)
class GgufHeader:
    """What the header promises: a file of at least `min_size_bytes` with `num_tensors` tensors."""

    version: int
    num_tensors: int
    min_size_bytes: int


def check_whole(path: Path) -> GgufHeader:
    """The header of the file at `path`; 20 ms for a vocabulary of 150,000 tokens.

    Raises ModelError when it is no GGUF file, of an unknown version, or shorter than its tensors.
    """
    _check_magic(path)
    size = path.stat().st_size
    header = _read_header(path, size)
    if size < header.min_size_bytes:
        raise ModelError(
            f"{path} is cut off: {size:,} bytes, and its tensors need {header.min_size_bytes:,}",
            _FETCH_AGAIN,
        )
    return header


def _check_magic(path: Path) -> None:
    try:
        with path.open("rb") as stream:
            start = stream.read(len(MAGIC))
    except OSError as error:
        raise ModelError(
            f"{path} cannot be read: {error.strerror}", "give a .gguf file that you may read"
        ) from error
    if start != MAGIC:
        found = f"starts with {start!r}" if start else "is empty"
        raise ModelError(f"{path} is not a GGUF model: it {found}", "give a .gguf file")


def _read_header(path: Path, size: int) -> GgufHeader:
    try:
        with path.open("rb") as stream, mmap.mmap(stream.fileno(), 0, prot=mmap.PROT_READ) as view:
            return _HeaderReader(view).read()
    except (struct.error, OverflowError) as error:
        raise ModelError(
            f"{path} is cut off or damaged: its header does not end within its {size:,} bytes",
            _FETCH_AGAIN,
        ) from error
    except ValueError as error:
        raise ModelError(f"{path} cannot be used: {error}", _FETCH_AGAIN) from error


class _HeaderReader:
    """A walk over the header's bytes; running off their end raises struct.error."""

    def __init__(self, view: mmap.mmap) -> None:
        self._view = view
        self._at = len(MAGIC)
        self._alignment = _DEFAULT_ALIGNMENT

    def read(self) -> GgufHeader:
        """The whole header. Raises ValueError with a reason when it makes no sense."""
        version = self._number("<I")
        if version not in _VERSIONS:
            raise ValueError(f"GGUF version {version} is unknown (known: 2, 3)")
        num_tensors, num_values = self._number("<Q"), self._number("<Q")
        for _ in range(num_values):
            self._pass_key_value()
        ends = [self._tensor_end() for _ in range(num_tensors)]
        data_start = -(-self._at // self._alignment) * self._alignment
        return GgufHeader(version, num_tensors, data_start + max(ends, default=0))

    def _pass_key_value(self) -> None:
        key = self._string()
        kind = self._number("<I")
        if key == b"general.alignment" and kind == _UINT32:
            self._alignment = self._number("<I") or _DEFAULT_ALIGNMENT
        else:
            self._pass_value(kind)

    def _pass_value(self, kind: int) -> None:
        if kind == _STRING:
            self._pass_strings(1)
        elif kind == _ARRAY:
            self._pass_array()
        elif kind in _VALUE_SIZES:
            self._at += _VALUE_SIZES[kind]
        else:
            raise ValueError(f"its metadata holds a value of unknown type {kind}")

    def _pass_array(self) -> None:
        kind, count = self._number("<I"), self._number("<Q")
        if kind == _STRING:
            self._pass_strings(count)
        elif kind in _VALUE_SIZES:
            self._at += count * _VALUE_SIZES[kind]
        else:
            raise ValueError(f"its metadata holds an array of unknown type {kind}")

    def _pass_strings(self, count: int) -> None:
        # A vocabulary is 300,000 of them: one flat loop, no call per string.
        at, length_of = self._at, struct.Struct("<Q").unpack_from
        for _ in range(count):
            at += 8 + length_of(self._view, at)[0]
        self._at = at

    def _tensor_end(self) -> int:
        """Where one tensor's data ends, counted from the start of the data."""
        self._pass_strings(1)
        num_dimensions = self._number("<I")
        if num_dimensions > _MAX_DIMENSIONS:
            raise ValueError(
                f"a tensor has {num_dimensions} dimensions (at most {_MAX_DIMENSIONS})"
            )
        shape = [self._number("<Q") for _ in range(num_dimensions)]
        kind, offset = self._number("<I"), self._number("<Q")
        # A type that is younger than this table: its start is still a lower bound.
        block, size_bytes = _BLOCKS.get(kind, (1, 0))
        return offset + -(-prod(shape) // block) * size_bytes

    def _string(self) -> bytes:
        length = self._number("<Q")
        start, self._at = self._at, self._at + length
        return self._view[start : self._at]

    def _number(self, form: str) -> int:
        value: int = struct.unpack_from(form, self._view, self._at)[0]
        self._at += struct.calcsize(form)
        return value
