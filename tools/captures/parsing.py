"""Every form of output that is known, and how a text is read by those that fit it.

A form is tried where its words occur; it finds its own lines, so that several outputs in one file
are each read. Adding a form is one reader and one line here.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from tools.captures.forms.alerts import read_alerts
from tools.captures.forms.certificates import read_certificates
from tools.captures.forms.clocks import read_clocks
from tools.captures.forms.databases import read_redis, read_sessions
from tools.captures.forms.descriptions import read_descriptions, read_quotas
from tools.captures.forms.disks import read_disks, read_mounts
from tools.captures.forms.events import read_event_list
from tools.captures.forms.kube_tables import read_state_tables
from tools.captures.forms.limits import read_limits
from tools.captures.forms.load import read_load, read_statistics
from tools.captures.forms.memory import read_free, read_meminfo
from tools.captures.forms.network import read_network
from tools.captures.forms.objects import read_objects
from tools.captures.forms.queues import read_queues
from tools.captures.forms.sockets import read_socket_summary, read_sockets
from tools.captures.forms.supervisor import read_programs
from tools.captures.forms.systemd import read_units
from tools.captures.observation import Observation, Reader, Reading


@dataclass(frozen=True, slots=True)
class Form:
    """A form of output: tried where all words of one of `words` occur in lower case.

    `is_host`: it speaks of the machine as a whole, not of one object among others. `is_table`: its
    rows are about different objects.
    """

    read: Reader
    words: tuple[str, ...]
    is_host: bool = False
    is_table: bool = False

    def fits(self, vocabulary: frozenset[str]) -> bool:
        """Whether a text of these words may hold this form."""
        return any(vocabulary.issuperset(words.split()) for words in self.words)


FORMS = (
    Form(read_disks, ("use", "capacity", "iuse", "verw", "mounted", "uti", "uso"), is_host=True),
    Form(read_mounts, ("on type dev",), is_host=True),
    Form(read_free, ("total used free mem",), is_host=True),
    Form(read_meminfo, ("memtotal memavailable",), is_host=True),
    Form(read_socket_summary, ("tcp estab timewait", "tcp estab orphaned"), is_host=True),
    Form(read_sockets, ("listen", "estab", "established", "time wait", "close wait"), is_host=True),
    Form(read_units, ("loaded", "active", "not found service"), is_host=True),
    Form(
        read_programs,
        ("running", "starting", "stopped", "stopping", "backoff", "exited", "fatal"),
        is_host=True,
    ),
    Form(read_load, ("load average", "cpu mem", "zombie", "cpu us sy"), is_host=True),
    Form(read_statistics, ("swpd free", "device util"), is_host=True),
    Form(read_clocks, ("leap status", "synchronized", "stratum", "remote refid"), is_host=True),
    Form(
        read_certificates,
        ("notafter", "notbefore", "not after", "not before", "date expire", "date start", "verify"),
        is_host=True,
    ),
    Form(
        read_network,
        ("curl", "http", "header status", "servers reached", "find server", "mtu", "nginx"),
        is_host=True,
    ),
    Form(read_limits, ("open files", "max open files"), is_host=True),
    Form(read_redis, ("redis version", "maxmemory", "cluster state"), is_host=True),
    Form(read_sessions, ("state query", "state count", "wait event type"), is_host=True),
    Form(read_queues, ("topic partition lag", "messages consumers")),
    Form(read_descriptions, ("name events", "name state", "name status", "name conditions")),
    Form(read_quotas, ("resource used hard", "allocated resources")),
    Form(read_event_list, ("normal", "warning"), is_table=True),
    Form(
        read_state_tables,
        (
            "name",
            "container id status",
            "revision status",
            "running",
            "pending",
            "error",
            "completed",
            "crashloopbackoff",
            "imagepullbackoff",
        ),
        is_table=True,
    ),
    Form(read_objects, ("status type", "waiting reason", "terminated", "exitcode", "oomkilled")),
    Form(read_alerts, ("alertname", "startsat", "starts at", "activeat", "finding type")),
)


@dataclass(frozen=True, slots=True)
class Statement:
    """What a form says about a text: `text` stands there verbatim from line `line` (1-based) on."""

    line: int
    text: str
    note: str
    suspicion: float


def parse(text: str, now: datetime | None = None) -> list[Statement]:
    """What known forms of output say is wrong in `text`, the worst first.

    `now` is when it was recorded: whether a certificate has expired depends on it. Empty for a
    healthy output, and for one that nothing here knows.
    """
    lines = [line if len(line) <= MAX_LINE_CHARS else "" for line in text.split("\n")]
    lines = [without_escapes(line.rstrip("\r")) for line in lines]
    found = [
        observation
        for _, reading in readings(lines, vocabulary_of(text), now)
        for observation in reading.observations
    ]
    found.sort(key=lambda observation: (-observation.suspicion, observation.start))
    return [_statement(lines, observation) for observation in found]


def readings(
    lines: Sequence[str], vocabulary: frozenset[str], now: datetime | None
) -> Iterator[tuple[Form, Reading]]:
    """The readings of the forms that found lines of theirs."""
    for form in FORMS:
        if form.fits(vocabulary):
            reading = form.read(lines, now)
            if reading.understood:
                yield form, reading


def vocabulary_of(text: str) -> frozenset[str]:
    """The words of `text` in lower case, letters only."""
    return frozenset(text.lower().translate(_SEPARATORS).split())


class _Separators(dict[int, str]):
    """A table for `str.translate` in which everything but letters is a space."""

    def __missing__(self, code: int) -> str:
        self[code] = chr(code) if chr(code).isalpha() else " "
        return self[code]


_SEPARATORS = _Separators()
# No known form has longer lines; a page divides them before it is read.
MAX_LINE_CHARS = 2000
_ESCAPE = re.compile(r"\x1b\[[\d;?]*[A-Za-z]")


def without_escapes(line: str) -> str:
    """The line without a terminal's colour codes."""
    return _ESCAPE.sub("", line) if "\x1b" in line else line


def _statement(lines: Sequence[str], observation: Observation) -> Statement:
    text = "\n".join(lines[observation.start : observation.end]).strip()
    return Statement(observation.start + 1, text, observation.note, observation.suspicion)
