"""llama.cpp's quantizer as a process: started, listened to, and never left behind."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from typing import IO

from assistant.engine.quantization import Failed, Job, Report, Written, from_line

_MODULE = "assistant.engine.llama.quantize"


@contextlib.contextmanager
def quantizer(job: Job) -> Iterator[Iterator[Report]]:
    """The reports of the process that does `job`; it is killed at the end of the block.

    The last one is `Written` or `Failed`, also when the process died. When this process dies, the
    other removes what it wrote.
    """
    with tempfile.TemporaryFile() as errors, _running(job, errors) as process:
        yield _reports(process, errors)


@contextlib.contextmanager
def _running(job: Job, errors: IO[bytes]) -> Iterator[subprocess.Popen[str]]:
    # -P: a folder called `assistant` in the working directory is not ours.
    process = subprocess.Popen(
        [sys.executable, "-P", "-m", _MODULE, job.to_json()],
        # Its end tells the process that this one is gone.
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=errors,
        encoding="utf-8",
        # After an assertion of its own llama.cpp would start a debugger on itself.
        env=os.environ | {"GGML_NO_BACKTRACE": "1"},
        # Ctrl-C is for this process alone.
        start_new_session=True,
    )
    with process:
        try:
            yield process
        finally:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)


def _reports(process: subprocess.Popen[str], errors: IO[bytes]) -> Iterator[Report]:
    assert process.stdout is not None
    for line in process.stdout:
        report = from_line(line)
        yield report
        if isinstance(report, Written | Failed):
            return
    yield Failed(_last_words(process.wait(), errors))


def _last_words(status: int, errors: IO[bytes]) -> str:
    """What is known of a process that ended with `status` and without a word on its output."""
    errors.seek(0)
    lines = errors.read().decode(errors="replace").split("\n")
    said = next((line.strip() for line in reversed(lines) if line.strip()), "it gave no reason")
    how = signal.Signals(-status).name if status < 0 else f"status {status}"
    return f"llama.cpp's quantizer ended with {how}: {said}"
