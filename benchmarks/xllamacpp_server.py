"""llama.cpp's own server, from the prebuilt wheel `xllamacpp`, as a process of its own.

    python -m venv DIR && DIR/bin/pip install xllamacpp
    DIR/bin/python benchmarks/xllamacpp_server.py '{"model": "FILE.gguf", "slots": 8, …}'

Runs under that Python, so it imports nothing of midwatch. It writes one line of JSON once the
server listens, and ends when its standard input does. Everything that is not named here is the
server's default, flash attention and batch sizes included.
"""

from __future__ import annotations

import json
import sys
from typing import Any

import xllamacpp


def main() -> None:
    """Serve until whoever started this closes standard input."""
    task = json.loads(sys.argv[1])
    # The server lives as long as the object.
    server = xllamacpp.Server(parameters(**task))
    print(json.dumps({"address": server.listening_address}), flush=True)
    sys.stdin.read()


def parameters(model: str, slots: int, slot_context_tokens: int, threads: int) -> Any:
    """The server's parameters; it divides the context evenly among the slots."""
    chosen = xllamacpp.CommonParams()
    chosen.model.path = model
    chosen.n_parallel = slots
    chosen.n_ctx = slots * slot_context_tokens
    chosen.cpuparams.n_threads = threads
    chosen.cpuparams_batch.n_threads = threads
    chosen.port = 0
    return chosen


if __name__ == "__main__":
    main()
