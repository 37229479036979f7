"""The redactor of this installation: its key, what the settings add to it, and events through it.

What a turn shows and stores has lost its secrets where it came from (`Toolbox`, `Turn.show`). An
event also has words of errors and arguments of calls; those lose theirs at the very end.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from assistant import events
from assistant.settings import Settings

if TYPE_CHECKING:
    from tools.redaction.redactor import Redactor

_KEY_FILE = "redaction.key"


def open_redactor(settings: Settings) -> Redactor:
    """The redactor; its key is made in the data folder when there is none. Raises ToolsError.

    One key for all processes: the same secret has the same placeholder in each of them.
    """
    from tools.redaction.key import load_key
    from tools.redaction.redactor import Redactor

    chosen = settings.redaction
    return Redactor(
        load_key(settings.data.dir / _KEY_FILE),
        emails=chosen.emails,
        addresses=chosen.addresses,
        extra=[re.compile(pattern) for pattern in chosen.patterns],
    )


def cleaned(event: events.Event, redact: Callable[[str], str]) -> events.Event:
    """The event as fronts may have it. Texts that are clean already stay the same objects."""
    match event:
        case events.TurnFailed():
            return replace(event, message=redact(event.message), hint=redact(event.hint))
        case events.ToolStarted():
            return replace(event, arguments=_values(event.arguments, redact))
        case events.ApprovalRequested() | events.ApprovalResolved():
            return replace(event, approval=_approval(event.approval, redact))
        case events.TurnFinished():
            return cleaned_ending(event, redact)
        case _:
            return event


def cleaned_ending(event: events.TurnFinished, redact: Callable[[str], str]) -> events.TurnFinished:
    """The turn's end as it is kept and as fronts may have it."""
    calls = (replace(c, arguments=_values(c.arguments, redact)) for c in event.tool_calls)
    approvals = (_approval(approval, redact) for approval in event.approvals)
    return replace(event, tool_calls=tuple(calls), approvals=tuple(approvals))


def _approval(approval: events.Approval, redact: Callable[[str], str]) -> events.Approval:
    return replace(approval, arguments=_values(approval.arguments, redact))


def _values(arguments: Mapping[str, Any], redact: Callable[[str], str]) -> Mapping[str, Any]:
    return {
        key: redact(value) if isinstance(value, str) else value for key, value in arguments.items()
    }
