"""`Usage`: who is using what is open, so that it is closed under nobody's hands."""

from __future__ import annotations

import contextlib
import threading
from collections import Counter
from collections.abc import Iterator


class Usage:
    """Any number of threads use something at a time, or one closes it.

    A thread that uses it may use it again inside that, and even close it: then the others are
    waited for.
    """

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._users: Counter[int] = Counter()  # by thread
        self._is_closing = False

    @contextlib.contextmanager
    def using(self) -> Iterator[None]:
        """Nobody closes it meanwhile; waits while somebody does."""
        me = threading.get_ident()
        with self._changed:
            # Whoever is closing waits for those who are inside: they must not wait in turn.
            self._changed.wait_for(lambda: me in self._users or not self._is_closing)
            self._users[me] += 1
        try:
            yield
        finally:
            self._leave(me)

    def _leave(self, thread: int) -> None:
        with self._changed:
            self._users[thread] -= 1
            if not self._users[thread]:
                del self._users[thread]
            self._changed.notify_all()

    @contextlib.contextmanager
    def closing(self) -> Iterator[None]:
        """Nobody else uses it meanwhile; waits until the last one has left."""
        me = threading.get_ident()
        with self._changed:
            self._changed.wait_for(lambda: not self._is_closing)
            self._is_closing = True
            self._changed.wait_for(lambda: self._users.keys() <= {me})
        try:
            yield
        finally:
            with self._changed:
                self._is_closing = False
                self._changed.notify_all()
