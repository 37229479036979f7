"""`midwatch` as a process of its own."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
LIGHT_MODEL = "qwen2.5-coder-0.5b"
_CHANGES_OUTPUT = {"NO_COLOR", "FORCE_COLOR", "PYTHONUNBUFFERED", "COLUMNS"}


@dataclass(frozen=True)
class Ran:
    """What a command left behind."""

    status: int
    out: str
    err: str

    @property
    def said(self) -> str:
        """What a person gets to read of a failure, which must not be Python's own words."""
        assert "Traceback" not in self.err
        return self.err


class Program:
    """`midwatch` as a process, with a data folder of its own and the shared model files."""

    def __init__(self, folder: Path, models_dir: Path) -> None:
        self.folder = folder
        self.command = [sys.executable, "-m", "assistant.cli"]
        self.environment = {
            **{key: value for key, value in os.environ.items() if key not in _CHANGES_OUTPUT},
            "PYTHONPATH": str(ROOT),
            "XDG_CONFIG_HOME": str(folder / "config"),
            "MIDWATCH_DATA_DIR": str(folder / "data"),
            "MIDWATCH_MODEL_DIR": str(models_dir),
            "MIDWATCH_MODEL_NAME": LIGHT_MODEL,
            # What this machine went through is no business of the tests.
            "MIDWATCH_HOST_LOOK": "false",
        }

    def start(self, *arguments: str | Path, **options: object) -> subprocess.Popen[str]:
        """Start it with pipes for its output and, unless told otherwise, nothing on its input."""
        pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
        given = {"stdin": subprocess.DEVNULL, **pipes, **options}
        return subprocess.Popen(  # type: ignore[call-overload, no-any-return]
            [*self.command, *map(str, arguments)],
            cwd=self.folder,
            env=self.environment,
            encoding="utf-8",
            **given,
        )

    def heed_permissions(self) -> None:
        """From now on the permissions of files hold for it, also where root runs the tests."""
        if os.geteuid() == 0:
            powerless = ["setpriv", "--bounding-set=-dac_override,-dac_read_search"]
            if shutil.which("setpriv") is None or subprocess.call([*powerless, "true"]):
                pytest.skip("root may read everything here, and cannot give that up")
            self.command = [*powerless, *self.command]

    def run(self, *arguments: str | Path, stdin: str | None = None) -> Ran:
        """Run it to its end, with `stdin` piped in when there is any."""
        options = {} if stdin is None else {"stdin": subprocess.PIPE}
        return self.wait(self.start(*arguments, **options), stdin)

    def wait(self, process: subprocess.Popen[str], stdin: str | None = None) -> Ran:
        """What `process` left behind."""
        try:
            out, err = process.communicate(stdin, timeout=120)
        finally:
            process.kill()
        return Ran(process.returncode, out or "", err)
