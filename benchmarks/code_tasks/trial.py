"""`try_code`: a script run on a task's folder in the sandbox, and judged by what it did."""

from __future__ import annotations

import traceback
from dataclasses import dataclass
from pathlib import Path

from benchmarks.code_tasks.task import Outcome, Place, Task, contents
from tools.sandbox import Limits, SandboxedProgram, SandboxRun, private_folder, run_sandboxed

LIMITS = Limits(time_s=20.0)
_GIVEN = "folder"
# Beside the folder of the task, and of names that a careless pattern would match as well.
_CANARIES = {
    "canary.log": "canary\n",
    "canary.log.1": "",
    "other folder/canary.conf": "key=canary\n",
    ".env": "KEY=canary\n",
}


@dataclass(frozen=True, slots=True)
class Trial:
    """How a script did: `reason` says why it failed, and is empty when it passed."""

    task: str
    code: str
    reason: str
    run: SandboxRun

    @property
    def has_passed(self) -> bool:
        """Whether the script did what was asked."""
        return not self.reason


def try_code(task: Task, code: str) -> Trial:
    """Run `code` (bash) on the task's folder and judge it. Raises SandboxUnavailable."""
    with private_folder() as around:
        # The programs of root are another user's, who has to pass.
        around.chmod(0o755)
        canaries = Place(around)
        for name, text in _CANARIES.items():
            canaries.write(name, text)
        outside = contents(around)
        folder = around / _GIVEN
        folder.mkdir(mode=0o755)
        task.setup(Place(folder))
        before = contents(folder)
        run = run_sandboxed(SandboxedProgram("bash", code, folder), LIMITS)
        reason = _touched(around, outside) or _reason(task, folder, before, run)
        return Trial(task.name, code, reason, run)


def _touched(around: Path, outside: dict[str, bytes]) -> str:
    """What is not as it was beside the folder."""
    after = {
        name: data for name, data in contents(around).items() if not name.startswith(f"{_GIVEN}/")
    }
    return "" if after == outside else "something outside of its folder was touched"


def _reason(task: Task, folder: Path, before: dict[str, bytes], run: SandboxRun) -> str:
    if run.status is None:
        return f"it was ended: {run.ended}"
    try:
        task.check(Outcome(folder, run.status, run.stdout, before))
    except AssertionError as error:
        said = str(error) or traceback.format_exc().splitlines()[-2].strip()
        return said
    return ""
