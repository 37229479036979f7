"""Telling systemd how the service is, as `sd_notify(3)` does."""

from __future__ import annotations

import contextlib
import os
import socket

_ADDRESS = "NOTIFY_SOCKET"


def notify(state: str) -> None:
    """Send `state` (`READY=1`, `STATUS=…`) to the service manager, if there is one."""
    address = os.environ.get(_ADDRESS, "")
    if not address.startswith(("/", "@")):
        return
    if address.startswith("@"):
        address = "\0" + address[1:]
    with (
        contextlib.suppress(OSError),
        socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sender,
    ):
        # A manager that does not read must not stop the event loop.
        sender.setblocking(False)
        sender.sendto(state.encode(), address)


def watchdog_interval_s() -> float | None:
    """How often the service manager wants to hear `WATCHDOG=1`: half its limit; None: never."""
    limit_us = os.environ.get("WATCHDOG_USEC", "")
    process = os.environ.get("WATCHDOG_PID", "")
    if not limit_us.isdigit() or (process and process != str(os.getpid())):
        return None
    return int(limit_us) / 2e6
