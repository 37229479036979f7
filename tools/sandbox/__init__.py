"""Runs generated code where it can harm nothing: in bubblewrap, or not at all.

The program sees the system's own programs read-only, one folder that it may write, and nothing of
the person's. Whether it may run at all is decided before, by the caller; here nobody is asked.
"""

from __future__ import annotations

from tools.sandbox.folder import FileChange
from tools.sandbox.private import private_folder
from tools.sandbox.problem import sandbox_problem
from tools.sandbox.program import Limits, SandboxedProgram
from tools.sandbox.run import SandboxRun, run_sandboxed

__all__ = [
    "FileChange",
    "Limits",
    "SandboxRun",
    "SandboxedProgram",
    "private_folder",
    "run_sandboxed",
    "sandbox_problem",
]
