"""What Linux holds of its clock, by adjtimex(2) with nothing to adjust: needs no privilege.

The kernel's own state, whichever daemon keeps it; asking each daemon would take a process each.
"""

from __future__ import annotations

import ctypes
import sys

from tools.host.system import Clock

_UNSYNCHRONISED = 0x0040
_TIME_ERROR = 5
_MICROSECONDS = 1_000_000


class _Timex(ctypes.Structure):
    """struct timex, up to what is read; the rest is room that the kernel writes to."""

    _fields_ = (
        ("modes", ctypes.c_uint),
        ("offset", ctypes.c_long),
        ("freq", ctypes.c_long),
        ("maxerror", ctypes.c_long),
        ("esterror", ctypes.c_long),
        ("status", ctypes.c_int),
        ("rest", ctypes.c_byte * 256),
    )


def read_clock() -> Clock | None:
    """The kernel's view of its clock; None where it has no adjtimex, or forbids it."""
    if sys.platform != "linux":
        return None
    timex = _Timex()
    state = ctypes.CDLL(None).adjtimex(ctypes.byref(timex))
    if state < 0:
        return None
    is_synchronised = state != _TIME_ERROR and not timex.status & _UNSYNCHRONISED
    return Clock(is_synchronised, timex.maxerror / _MICROSECONDS)
