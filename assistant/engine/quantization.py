"""What is asked of llama.cpp's quantizer, and what it tells: one JSON array a line, on pipes.

The quantizer runs in a process of its own (`assistant.engine.llama.quantize`); this is what both
sides know, without llama.cpp.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from types import MappingProxyType

FILE_TYPES: Mapping[str, int] = MappingProxyType(
    {
        "bf16": 32,
        "f16": 1,
        "q8_0": 7,
        "q6_k": 18,
        "q5_k_m": 17,
        "q5_k_s": 16,
        "q5_1": 9,
        "q5_0": 8,
        "q4_k_m": 15,
        "q4_k_s": 14,
        "q4_1": 3,
        "q4_0": 2,
        "iq4_nl": 25,
        "iq4_xs": 30,
        "q3_k_l": 13,
        "q3_k_m": 12,
        "q3_k_s": 11,
        "q2_k": 10,
    }
)
"""The types that need no importance matrix, largest first, as GGUF's `general.file_type`."""


@dataclass(frozen=True, slots=True)
class Job:
    """Write `source` as `file_type` to the file `target`, without the layers `prune_layers`.

    Layers count from 0. Tensors that are quantized already are refused unless
    `allow_requantize`.
    """

    source: str
    target: str
    file_type: int
    num_threads: int
    prune_layers: tuple[int, ...] = ()
    allow_requantize: bool = False

    def to_json(self) -> str:
        """The job as an argument of the quantizer's command line."""
        return json.dumps(asdict(self))

    @classmethod
    def from_json(cls, text: str) -> Job:
        """The job that `to_json` wrote."""
        fields = json.loads(text)
        return cls(**fields | {"prune_layers": tuple(fields["prune_layers"])})


@dataclass(frozen=True, slots=True)
class Planned:
    """What there is to do: tensors of `source_bytes` become `target_bytes`, to within 0.1 %."""

    source_bytes: int
    target_bytes: int


@dataclass(frozen=True, slots=True)
class Advanced:
    """Tensors of `source_bytes` in all are done."""

    source_bytes: int


@dataclass(frozen=True, slots=True)
class Written:
    """The target is written whole, and llama.cpp loads it.

    `num_fallbacks` tensors have rows whose length the type cannot hold, and took a larger type.
    """

    num_weights: int
    tensor_bytes: int
    num_layers: int
    num_fallbacks: int


@dataclass(frozen=True, slots=True)
class Failed:
    """llama.cpp gave up, in its own words."""

    reason: str


Report = Planned | Advanced | Written | Failed
_REPORTS = {kind.__name__: kind for kind in (Planned, Advanced, Written, Failed)}


def to_line(report: Report) -> str:
    """`report` as a line of the quantizer's output."""
    return json.dumps([type(report).__name__, asdict(report)])


def from_line(line: str) -> Report:
    """The report that `to_line` wrote. Raises ValueError when it is something else."""
    match json.loads(line):
        case [str(name), dict(fields)] if name in _REPORTS:
            report: Report = _REPORTS[name](**fields)
            return report
    raise ValueError(f"no report: {line!r}")
