"""A syslog receiver on UDP port 5140: one file for each program, as rsyslog would write it."""

from __future__ import annotations

import os
import re
import socket
import sys

_MESSAGE = re.compile(r"<\d+>(?P<time>\w{3} [ \d]\d [\d:]{8}) (?P<rest>.*)", re.DOTALL)


def main() -> None:
    """Write what arrives to standard output."""
    receiver = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    receiver.bind(("127.0.0.1", 5140))
    while True:
        text = receiver.recv(65536).decode().rstrip("\n")
        if match := _MESSAGE.fullmatch(text):
            text = f"{match['time']} {os.uname().nodename} {match['rest']}"
        sys.stdout.write(f"{text}\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
