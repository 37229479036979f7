"""Label values that cannot grow without bound: each new one is a new series for good.

Ids of sessions and names of people are no labels at all; what a model or a client may spell goes
through `Bounded`.
"""

from __future__ import annotations

import re
import threading
from collections.abc import Iterable

OTHER = "other"

_NAME = re.compile(r"[A-Za-z][\w.:/-]{0,63}", re.ASCII)
_MAX_VALUES = 64


class Bounded:
    """Takes the first `max_values` different names as they are, and `other` for all the rest.

    Those of `known` have their places from the start, so that no stranger can take them.
    """

    def __init__(self, known: Iterable[str] = (), max_values: int = _MAX_VALUES) -> None:
        self._values = set(known)
        self._max_values = max_values
        self._adding = threading.Lock()

    def __call__(self, name: str) -> str:
        """The label value for `name`."""
        return name if name in self._values or self._add(name) else OTHER

    def _add(self, name: str) -> bool:
        if not _NAME.fullmatch(name):
            return False
        with self._adding:
            if len(self._values) < self._max_values:
                self._values.add(name)
        return name in self._values
