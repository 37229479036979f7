"""The quantizers that run; this process has other children, which are no business of a test."""

from __future__ import annotations

import psutil

_MODULE = "assistant.engine.llama.quantize"


def quantizers(parent: int | None = None) -> list[psutil.Process]:
    """Those that `parent`, or this process, has started."""
    return [child for child in psutil.Process(parent).children() if _is_quantizer(child)]


def _is_quantizer(process: psutil.Process) -> bool:
    try:
        return _MODULE in process.cmdline()
    except psutil.NoSuchProcess:  # it has ended, and is perhaps not buried yet
        return False
