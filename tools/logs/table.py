"""The records of one analysed log as a table: which template each one is of, and when it is from.

This is what findings over time and across sources are made from: a template that falls silent,
bursts, or precedes another.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from tools.logs.groups import Group

NO_TIME = np.iinfo(np.int64).min


@dataclass(frozen=True, slots=True)
class SourceTable:
    """The records of one source in the window, in their order.

    Record i is one of `groups[group_of[i]]` and from `times[i]`, in microseconds since 1970 (UTC):
    NO_TIME where neither it nor a record before it has a time stamp. Where the newest part of a
    source was read, there is nothing of what is older.
    """

    source: str
    groups: Sequence[Group]
    group_of: npt.NDArray[np.int32]
    times: npt.NDArray[np.int64]
