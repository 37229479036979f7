"""Which requests failed, from a log of JSON lines."""

import re

from benchmarks.code_tasks.task import Outcome, Place

REQUEST = """
events.jsonl has one JSON object per line, like
{"ts":"2024-03-11T02:00:07Z","level":"error","service":"api","req":"a17","msg":"timed out"}.
Print the req of every error of the service api.
"""

_EVENTS = (
    ("info", "api", "a16", "ok"),
    ("error", "api", "a17", "timed out"),
    ("error", "api-gateway", "b02", "api is down"),
    ("warn", "api", "a18", "error budget is low"),
    ("error", "web", "c40", "no answer of api"),
    ("error", "api", "d05", "error: disk, full"),
    ("errors", "api", "e11", "summary of the hour"),
    ("info", "web", "c41", "ok"),
    ("error", "api", "a93", "refused"),
)


def setup(place: Place) -> None:
    lines = [
        f'{{"ts":"2024-03-11T02:00:{second:02}Z","level":"{level}","service":"{service}",'
        f'"req":"{req}","msg":"{msg}"}}\n'
        for second, (level, service, req, msg) in enumerate(_EVENTS)
    ]
    place.write("events.jsonl", "".join(lines))


def check(after: Outcome) -> None:
    assert "msg" not in after.stdout, "it prints whole lines"
    found = sorted(re.findall(r"\b[a-e]\d\d\b", after.stdout))
    assert found == ["a17", "a93", "d05"], f"it found {found}"


REFERENCE = r"""
grep '"level":"error"' events.jsonl | grep '"service":"api"' |
  sed -E 's/.*"req":"([^"]*)".*/\1/'
"""

WRONG = (
    'grep error events.jsonl | grep api | grep -o \'"req":"[^"]*"\' | cut -d\'"\' -f4',
    'grep \'"level":"error","service":"api\' events.jsonl | sed \'s/.*"req":"//; s/".*//\'',
    'grep \'"level":"error\' events.jsonl | grep \'"api"\' | sed \'s/.*"req":"//; s/".*//\'',
    'grep \'"level":"error"\' events.jsonl | grep \'"service":"api"\'',
)
