"""`History`: the records of one source, each template's on their own and in the order of time."""

from __future__ import annotations

from functools import cached_property

import numpy as np
import numpy.typing as npt

from tools.logs.groups import Group
from tools.logs.table import NO_TIME, SourceTable

Times = npt.NDArray[np.int64]
"""Microseconds since 1970 (UTC), ascending."""

Positions = npt.NDArray[np.intp]
"""Places of records among those of the window, ascending."""

Bools = npt.NDArray[np.bool_]


class History:
    """What one source recorded in the window. Nothing in it changes."""

    def __init__(self, table: SourceTable) -> None:
        self.table = table
        self.source = table.source
        num_groups = len(table.groups)
        # Numbers of two bytes are sorted in a fraction of the time.
        is_small = num_groups <= np.iinfo(np.uint16).max
        keys = table.group_of.astype(np.uint16) if is_small else table.group_of
        self._order = np.argsort(keys, kind="stable")
        counts = np.bincount(table.group_of, minlength=num_groups)
        self._ends = np.concatenate(([0], np.cumsum(counts)))

    def __len__(self) -> int:
        return len(self.table.group_of)

    @property
    def groups(self) -> range:
        """The numbers of its groups."""
        return range(len(self.table.groups))

    def group(self, number: int) -> Group:
        """What is counted of one group."""
        return self.table.groups[number]

    def positions(self, number: int) -> Positions:
        """Where the records of a group stand."""
        return self._order[self._ends[number] : self._ends[number + 1]]

    def times(self, number: int) -> Times:
        """When the records of a group were written; those without a time are left out."""
        return _known(self.table.times[self.positions(number)])

    def time_at(self, position: int) -> int | None:
        """When one record was written."""
        time = int(self.table.times[position])
        return time if time != NO_TIME else None

    @cached_property
    def all_times(self) -> Times:
        """When the records of all groups were written."""
        return _known(self.table.times)

    @cached_property
    def ordinary_times(self) -> Times:
        """When the records that are no problems were written."""
        return _known(self.table.times[~self.is_problem])

    @cached_property
    def is_problem(self) -> Bools:
        """Of each record: whether it is a warning or worse."""
        is_problem = np.array([group.is_problem for group in self.table.groups], np.bool_)
        return is_problem[self.table.group_of]

    @property
    def span(self) -> tuple[int, int] | None:
        """The first and the last time; None where no record has one."""
        times = self.all_times
        return (int(times[0]), int(times[-1])) if len(times) else None


def _known(times: npt.NDArray[np.int64]) -> Times:
    known = times[times != NO_TIME]
    # Most logs are in order, and to see that is much cheaper than to sort them.
    return known if (known[1:] >= known[:-1]).all() else np.sort(known)
