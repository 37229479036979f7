"""The errors of the evidence tools.

    ToolsError
    ├── SourceNotFound      a log source, bundle or capture that does not exist
    ├── SourceUnreadable    it exists, and cannot be read (permission, a directory, a device)
    ├── InvalidQuery        a regular expression or time range that cannot be used
    ├── BackendUnavailable  a service manager that does not answer
    ├── UnknownService      a service that its manager does not list
    ├── ActionRefused       an action that may not take place, or need not: nothing was done
    ├── ActionFailed        a service manager took the order, or refused it, and it did not work
    └── SandboxUnavailable  a program that cannot be confined here, and therefore was not run

A tool that is asked a question returns a `ToolResult`; these are raised below that edge, and by the
command line's direct uses of the same code. Each carries `hint`: what the person can do next.
"""

from __future__ import annotations


class ToolsError(Exception):
    """Base of the package's errors: `message` says what is wrong, `hint` what to do about it."""

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint


class SourceNotFound(ToolsError):
    """A named log source, bundle or capture does not exist."""


class SourceUnreadable(ToolsError):
    """A source exists and cannot be read."""


class InvalidQuery(ToolsError):
    """A pattern or a time range that cannot be used."""


class BackendUnavailable(ToolsError):
    """A service manager did not answer, or refused."""


class UnknownService(ToolsError):
    """A service manager lists no service with exactly this name."""


class ActionRefused(ToolsError):
    """An action may not take place, or need not; nothing was done."""


class ActionFailed(ToolsError):
    """A service manager refused an order, or did not manage to carry it out."""


class SandboxUnavailable(ToolsError):
    """A program cannot be confined as it must be: it was not run."""
