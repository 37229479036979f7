"""The process that checks: a request on standard input, a report on standard output.

Started by `check_code`, which ends it and all it started when it takes too long.
"""

from __future__ import annotations

import resource
import sys

from tools.code.languages import check_in_process
from tools.code.wire import report_text, request_of

# Both hold for the linters that it starts, too. Address space is not bounded: ShellCheck's run-time
# system reserves a terabyte of it and uses none.
MEMORY_LIMIT_BYTES = 2 << 30
FILE_LIMIT_BYTES = 16 << 20


def main() -> None:
    """Answers one request, under limits that hold for what it starts as well."""
    _bound(resource.RLIMIT_DATA, MEMORY_LIMIT_BYTES)
    _bound(resource.RLIMIT_FSIZE, FILE_LIMIT_BYTES)
    _bound(resource.RLIMIT_CORE, 0)
    request = request_of(sys.stdin.read())
    sys.stdout.write(report_text(check_in_process(request)))


def _bound(kind: int, limit: int) -> None:
    """Lowers a limit of this process; one that is lower already stays."""
    _, highest = resource.getrlimit(kind)
    lowest = limit if highest == resource.RLIM_INFINITY else min(limit, highest)
    resource.setrlimit(kind, (lowest, lowest))


if __name__ == "__main__":
    main()
