"""The formats that log lines come in, by how they begin.

Each module holds a family; none knows the others. A line is tried against the formats of its first
character in a fixed order, so what it says never depends on the lines before it: that is what keeps
files of many writers right.
"""

from __future__ import annotations

from collections.abc import Mapping

from tools.logs.formats.access import ACCESS, PROXIED
from tools.logs.formats.collected import COLLECTED
from tools.logs.formats.dated import DATED, ISO
from tools.logs.formats.form import Form
from tools.logs.formats.logfmt import LOGFMT
from tools.logs.formats.servers import SERVERS
from tools.logs.formats.syslog import SYSLOG

# The frequent ones first, the particular ones before the general ones that would fit too.
_ORDERED: tuple[Form, ...] = (
    *PROXIED, *ISO, *SYSLOG, *ACCESS, *LOGFMT, *SERVERS, *COLLECTED, *DATED,
)  # fmt: skip


def _by_initial() -> Mapping[str, tuple[Form, ...]]:
    initials = {initial for known in _ORDERED for initial in known.initials}
    return {
        initial: tuple(known for known in _ORDERED if initial in known.initials)
        for initial in initials
    }


BY_INITIAL = _by_initial()
