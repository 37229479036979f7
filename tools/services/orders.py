"""What is known of an order when a manager's answer fails: it was not sent, or it is in doubt.

The difference matters to whoever reports an action: what is in doubt must not be tried again.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from tools.errors import ActionFailed, BackendUnavailable
from tools.services.control import ServiceAction


class Unconfirmed(BackendUnavailable):
    """An order was sent and not answered: whether it was carried out is not known."""


def unconfirmed(action: ServiceAction, reason: str) -> Unconfirmed:
    """The error for an order that got no answer, or none that says what became of it."""
    return Unconfirmed(
        f"{action.backend} did not confirm to {action.verb} {action.service}: {reason}; it may "
        "have taken place all the same",
        "look at its state before anything is tried again",
    )


@contextmanager
def until_sent(action: ServiceAction) -> Iterator[None]:
    """Around an action. Raises ActionFailed for a manager that failed before it got the order."""
    try:
        yield
    except Unconfirmed:
        raise
    except BackendUnavailable as error:
        raise ActionFailed(
            f"{action.backend} was not told to {action.verb} {action.service}: {error.message}",
            error.hint,
        ) from error
