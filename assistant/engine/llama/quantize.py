"""llama.cpp's quantizer as a program: `python -m assistant.engine.llama.quantize JOB`.

llama.cpp's function cannot be cancelled and aborts the process on some inputs, so it has a process
of its own. JOB is a `Job` as JSON; its reports go to standard output, a line each. The target is
checked by loading it, but neither synced nor given its final name: that is the parent's business.
When standard input ends the parent is gone, and what was written is removed.
"""

from __future__ import annotations

import ctypes
import os
import re
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import llama_cpp.llama_cpp as api

from assistant.engine.llama.library import hearing_errors, initialise, listening
from assistant.engine.quantization import Advanced, Failed, Job, Planned, Report, Written, to_line

_MIB = 1 << 20
# Rows of one tensor that are held as float32; llama.cpp's own default is 8 GiB.
_MAX_BUFFER_BYTES = 512 * _MIB
_END_OF_LAYERS = -1

# What llama.cpp's quantizer logs: a tensor that is done, the sums, and tensors of another type.
_TENSOR_SIZE = re.compile(r"^size = +([\d.]+) MiB")
_SUM = re.compile(r"(model|quant) size += +([\d.]+) MiB")
_FALLBACKS = re.compile(r"(\d+) of (\d+) tensor\(s\) required fallback")

Tell = Callable[[Report], None]


class QuantizeFailed(Exception):
    """llama.cpp gave up; says why in its own words."""


def quantize(job: Job, tell: Tell) -> Written:
    """Do `job`, reporting the plan and each tensor. Raises QuantizeFailed; may abort the process.

    What is then left of the target is of no use.
    """
    initialise()
    plan = _LogReader()
    with listening(plan.hear):
        _call_llama(job, is_dry_run=True)
    tell(Planned(plan.sum_bytes("model"), plan.sum_bytes("quant")))
    with listening(_LogReader(tell).hear):
        _call_llama(job, is_dry_run=False)
    return _checked(job, plan)


class _LogReader:
    """Reads what llama.cpp logs about a quantization, and tells of each tensor."""

    def __init__(self, tell: Tell | None = None) -> None:
        self._tell = tell
        self._done_mib = 0.0
        self._sums_mib: dict[str, float] = {}
        self.num_fallbacks = 0

    def hear(self, level: int, text: str) -> None:
        """Take in a line, or a piece of one."""
        if match := _TENSOR_SIZE.match(text):
            self._done_mib += float(match[1])
            if self._tell is not None:
                self._tell(Advanced(round(self._done_mib * _MIB)))
        elif match := _SUM.search(text):
            self._sums_mib[match[1]] = float(match[2])
        elif match := _FALLBACKS.search(text):
            self.num_fallbacks = int(match[1])

    def sum_bytes(self, of: str) -> int:
        """The size of all tensors of the source (`model`) or the target (`quant`)."""
        if of not in self._sums_mib:
            raise QuantizeFailed(f"llama.cpp did not say the {of} size")
        return round(self._sums_mib[of] * _MIB)


def _call_llama(job: Job, *, is_dry_run: bool) -> None:
    parameters = api.llama_model_quantize_default_params()
    parameters.ftype = job.file_type
    parameters.nthread = job.num_threads
    parameters.allow_requantize = job.allow_requantize
    parameters.dry_run = is_dry_run
    parameters.max_buf_size = _MAX_BUFFER_BYTES
    if job.prune_layers:
        layers = (*job.prune_layers, _END_OF_LAYERS)
        parameters.prune_layers = (ctypes.c_int32 * len(layers))(*layers)
    paths = os.fsencode(job.source), os.fsencode(job.target)
    with hearing_errors() as errors:
        if api.llama_model_quantize(*paths, ctypes.byref(parameters)) != 0:
            raise QuantizeFailed(_reason(errors))


def _checked(job: Job, plan: _LogReader) -> Written:
    """What the target holds, as llama.cpp finds it when it loads all of it."""
    parameters = api.llama_model_default_params()
    parameters.n_gpu_layers = 0
    parameters.check_tensors = True
    # Weights rearranged for this processor would be a copy of them all.
    parameters.use_extra_bufts = False
    with hearing_errors() as errors:
        model = api.llama_model_load_from_file(os.fsencode(job.target), parameters)
    if not model:
        raise QuantizeFailed(f"llama.cpp cannot load what it wrote: {_reason(errors)}")
    try:
        return _described(model, plan.num_fallbacks)
    finally:
        api.llama_model_free(model)


def _described(model: Any, num_fallbacks: int) -> Written:
    return Written(
        num_weights=api.llama_model_n_params(model),
        tensor_bytes=api.llama_model_size(model),
        num_layers=api.llama_model_n_layer(model),
        num_fallbacks=num_fallbacks,
    )


def _reason(errors: list[str]) -> str:
    return errors[0] if errors else "llama.cpp gave no reason"


def _print(report: Report) -> None:
    print(to_line(report), flush=True)


def _end_with_parent(target: Path) -> None:
    while os.read(sys.stdin.fileno(), 1):
        pass
    target.unlink(missing_ok=True)
    os._exit(1)


def main() -> None:
    """Do the job of the command line, then wait for the parent's end, or to be ended by it."""
    job = Job.from_json(sys.argv[1])
    parent = threading.Thread(target=_end_with_parent, args=(Path(job.target),), daemon=True)
    parent.start()
    try:
        _print(quantize(job, _print))
    except QuantizeFailed as error:
        _print(Failed(str(error)))
    parent.join()


if __name__ == "__main__":
    main()
