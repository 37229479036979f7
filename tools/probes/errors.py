"""Why a probe was not made. What a probe that was made found is evidence, never an error.

ToolsError
├── InvalidTarget     a target that cannot be probed as it is written
└── TargetRefused     the allow-list has no place for it
"""

from __future__ import annotations

from tools.errors import ToolsError


class InvalidTarget(ToolsError):
    """The target is not an address that a probe can use."""


class TargetRefused(ToolsError):
    """The allow-list does not hold the target, or the address that its name stands for."""
