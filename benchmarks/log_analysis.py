"""How fast logs are analysed, in how much memory, and against Drain3 on the same file.

A mixed log is made from a seed: what eight programs write in their own formats, interleaved, each
with 60 templates and new values in every line. `--drain3-python PATH` names a Python that has the
drain3 package; in a process of its own it groups the lines of the same file, once as it comes and
once with the masking that its documentation starts from. It parses no time, level or field.

    python benchmarks/log_analysis.py --lines 1000000 --drain3-python /path/to/python
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import random
import re
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

_START = datetime(2025, 11, 20, tzinfo=UTC)
_BURST = 40
_LEVELS = ("INFO",) * 8 + ("WARN", "ERROR")
_TEMPLATES_PER_PROGRAM = 60
_SLOTS = ("{n}", "{ms}", "{id}", "{uuid}", "{ip}", "{path}")
_VOCABULARY = (
    "accepted agent allocated archive backend batch block broker bucket buffer cache channel "
    "check client closed cluster commit completed connection consumer container copied cursor "
    "deleted device disk dropped election entry evicted expired fetched file finished flushed "
    "follower for frame from group handler heap host index instance interrupt job key lag "
    "leader lease link list lock manager member memory merged message moved network node object "
    "offset opened packet page partition peer pending pool port process purge queue quota read "
    "rebalanced received record region register release replica request reset response restored "
    "retry rotated route sample schedule segment sent server session shard slot snapshot socket "
    "source started state storage stream sync table task thread timer to topic transaction tree "
    "update user vacuum value verify version volume waiting watch with worker write zone "
)
_WORDS = tuple(_VOCABULARY.split())

# The masking is that of the configuration which Drain3's documentation starts from; without the
# second argument there is none, as in a TemplateMiner without a configuration.
_DRAIN3 = r"""
import sys, time
from drain3 import TemplateMiner
from drain3.masking import MaskingInstruction
from drain3.template_miner_config import TemplateMinerConfig
config = TemplateMinerConfig()
edges = r"((?<=[^A-Za-z0-9])|^)%s((?=[^A-Za-z0-9])|$)"
if len(sys.argv) > 2:
    config.masking_instructions = [MaskingInstruction(edges % body, name) for body, name in (
        (r"(([0-9a-f]{2,}:){3,}([0-9a-f]{2,}))", "ID"),
        (r"(\d{1,3}\.\d{1,3}\.\d{1,3}\.\d{1,3})", "IP"),
        (r"([0-9a-f]{6,} ?){3,}", "SEQ"),
        (r"([0-9A-F]{4} ?){4,}", "SEQ"),
        (r"(0x[a-f0-9A-F]+)", "HEX"),
        (r"([\-\+]?\d+)", "NUM"),
    )]
miner = TemplateMiner(config=config)
started = time.perf_counter()
with open(sys.argv[1], errors="replace") as lines:
    for line in lines:
        miner.add_log_message(line.rstrip("\n"))
print(time.perf_counter() - started, len(miner.drain.clusters))
"""
_MIDWATCH = """
import json, resource, sys, time
from datetime import UTC, datetime
from pathlib import Path
from tools.logs.analysis import analyze_logs
from tools.scope import LogSource
source = LogSource("mixed", (Path(sys.argv[1]),))
started = time.perf_counter()
report = analyze_logs([source], now=datetime(2025, 11, 22, tzinfo=UTC))
taken = time.perf_counter() - started
peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
print(json.dumps([taken, peak, report.template_count, report.sources[0].lines]))
"""


class _Messages:
    """What one program has to say: templates made of words, filled with new values each time."""

    def __init__(self, chooser: random.Random) -> None:
        self._random = chooser
        self._templates = [self._template() for _ in range(_TEMPLATES_PER_PROGRAM)]
        self._values: dict[str, Callable[[], str]] = {
            "{n}": lambda: str(chooser.randrange(100_000)),
            "{ms}": lambda: f"{chooser.randrange(900)}ms",
            "{id}": lambda: self.digits(12),
            "{uuid}": lambda: "-".join(map(self.digits, (8, 4, 4, 4, 12))),
            "{ip}": lambda: f"10.7.{chooser.randrange(255)}.7:{chooser.randrange(65_000)}",
            "{path}": lambda: f"/srv/{chooser.randrange(999)}/part-{chooser.randrange(99)}.bin",
        }

    def next(self) -> str:
        """A message; some are said far more often than others."""
        place = int(len(self._templates) * self._random.random() ** 3)
        return re.sub(r"\{\w+\}", lambda slot: self._values[slot[0]](), self._templates[place])

    def digits(self, count: int) -> str:
        """A random hexadecimal number."""
        return f"{self._random.getrandbits(count * 4):0{count}x}"

    def _template(self) -> str:
        length = self._random.randrange(4, 11)
        words = [self._random.choice(_WORDS) for _ in range(length)]
        for _ in range(self._random.randrange(1, 4)):
            words.insert(self._random.randrange(1, len(words)), self._random.choice(_SLOTS))
        return " ".join(words)


class _Programs:
    """Eight programs, each with its own format; a call is one record, of one or more lines."""

    def __init__(self, seed: int) -> None:
        self._random = random.Random(seed)
        self.all = tuple(
            self._bound(write, _Messages(self._random))
            for write in (
                self._access, self._json, self._logfmt, self._postgres,
                self._syslog, self._klog, self._java, self._epoch,
            )
        )  # fmt: skip

    def _bound(
        self, write: Callable[[datetime, _Messages], str], messages: _Messages
    ) -> Callable[[datetime], str]:
        return lambda time: write(time, messages)

    def _access(self, time: datetime, said: _Messages) -> str:
        status = self._random.choice((200,) * 12 + (204, 304, 404, 502))
        path = self._random.choice(_WORDS)
        return (
            f"10.1.{self._random.randrange(255)}.9 - - [{time:%d/%b/%Y:%H:%M:%S} +0000] "
            f'"GET /api/{path}/{self._random.randrange(9999)} HTTP/1.1" {status} '
            f'{self._random.randrange(50_000)} "-" "Mozilla/5.0" {self._random.random():.3f}'
        )

    def _json(self, time: datetime, said: _Messages) -> str:
        record = {
            "timestamp": _iso(time),
            "level": self._random.choice(_LEVELS),
            "message": said.next(),
            "status": self._random.choice((200, 200, 200, 404, 503)),
            "duration_ms": self._random.randrange(900),
            "request_id": said.digits(32),
        }
        return json.dumps(record)

    def _logfmt(self, time: datetime, said: _Messages) -> str:
        level = self._random.choice(_LEVELS).lower()
        return (
            f'time={_iso(time)} level={level} msg="{said.next()}" took={self._random.random():.3f}'
        )

    def _postgres(self, time: datetime, said: _Messages) -> str:
        level = self._random.choice(("LOG", "LOG", "LOG", "ERROR"))
        pid = self._random.randrange(9999)
        return f"{time:%Y-%m-%d %H:%M:%S}.{_milli(time)} UTC [{pid}] {level}:  {said.next()}"

    def _syslog(self, time: datetime, said: _Messages) -> str:
        pid = self._random.randrange(30_000)
        return f"{time:%b} {time.day:2} {time:%H:%M:%S} bastion sshd[{pid}]: {said.next()}"

    def _klog(self, time: datetime, said: _Messages) -> str:
        letter = self._random.choice("IIIWE")
        line = self._random.randrange(2000)
        return (
            f"{letter}{time:%m%d %H:%M:%S}.{time.microsecond:06}    7 pods.go:{line}] {said.next()}"
        )

    def _java(self, time: datetime, said: _Messages) -> str:
        head = f"{time:%Y-%m-%d %H:%M:%S},{_milli(time)}"
        thread = f"[pool-1-thread-{self._random.randrange(40)}]"
        if self._random.random() < 0.95:
            return f"{head} INFO  {thread} shop.Cart - {said.next()}"
        return (
            f"{head} ERROR {thread} shop.Cart - {said.next()}\n"
            "java.lang.IllegalStateException: no price\n"
            f"\tat shop.Prices.of(Prices.java:{self._random.randrange(99)})\n"
            "\tat shop.Cart.total(Cart.java:40)"
        )

    def _epoch(self, time: datetime, said: _Messages) -> str:
        return f"{time.timestamp():.3f} {self._random.choice(_LEVELS)} {said.next()}"


def _iso(time: datetime) -> str:
    return f"{time:%Y-%m-%dT%H:%M:%S}.{_milli(time)}Z"


def _milli(time: datetime) -> str:
    return f"{time.microsecond // 1000:03}"


def write_mixed(path: Path, num_lines: int, seed: int) -> None:
    """Write a mixed log of about `num_lines` lines; the same seed gives the same bytes."""
    chooser = random.Random(seed)
    programs = _Programs(seed).all
    written = 0
    time = _START
    step = timedelta(days=1) / num_lines
    with path.open("w") as log:
        while written < num_lines:
            program = chooser.choice(programs)
            for _ in range(_BURST):
                record = program(time)
                log.write(f"{record}\n")
                written += record.count("\n") + 1
                time += step


def _measured(python: str, program: str, *arguments: str) -> str:
    ran = subprocess.run(
        [python, "-c", program, *arguments], capture_output=True, text=True, check=True
    )
    return ran.stdout


def _figures(options: argparse.Namespace, path: Path) -> Iterator[str]:
    size = path.stat().st_size
    yield f"{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}"
    yield f"{size / 1e6:.0f} MB, seed {options.seed}"
    for _ in range(options.repeat):
        measured = _measured(sys.executable, _MIDWATCH, str(path))
        taken, peak, templates, lines = json.loads(measured)
        yield (
            f"midwatch: {taken:.2f} s, {lines / taken:,.0f} lines/s, {templates:,} templates, "
            f"peak {peak / 1e6:.0f} MB ({peak / size:.1f} x the file)"
        )
        for masking in ("plain", "masked") if options.drain3_python else ():
            arguments = [str(path), masking][: 1 + (masking == "masked")]
            answer = _measured(options.drain3_python, _DRAIN3, *arguments).split()
            seconds, clusters = map(float, answer)
            yield (
                f"drain3 {masking}: {seconds:.2f} s, {lines / seconds:,.0f} lines/s, "
                f"{clusters:,.0f} clusters; midwatch is {seconds / taken:.1f} x as fast"
            )


def main() -> None:
    """Make the log, analyse it, print the figures."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--lines", type=int, default=1_000_000)
    parser.add_argument("--seed", type=int, default=5)
    parser.add_argument("--repeat", type=int, default=1)
    parser.add_argument("--drain3-python", default="")
    parser.add_argument("--file", type=Path, help="use this log instead of making one")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        path = options.file or Path(folder, "mixed.log")
        if options.file is None:
            write_mixed(path, options.lines, options.seed)
        for line in _figures(options, path):
            print(line, flush=True)


if __name__ == "__main__":
    main()
