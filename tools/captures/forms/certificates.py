"""Certificate dates: `openssl x509`, `openssl s_client`, `curl -v` and `kubectl describe`."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import datetime

from tools.captures.observation import Notes, Reading
from tools.captures.quantities import in_words, time_of

_DATE = re.compile(
    r"^[\s*]*(?:(?P<end>notAfter|Not After|expire date|NotAfter)"
    r"|(?P<start>notBefore|Not Before|start date|NotBefore))\s*[=:]\s*(?P<date>\S.*?)\s*$"
)
# `depth` lines of s_client: `NotBefore: … ; NotAfter: …` on one line.
_CHAIN = re.compile(r"NotBefore: (?P<start>[^;]+); NotAfter: (?P<end>.+?)\s*$")
_VERIFY = re.compile(
    r"^\s*(?:Verify return code|Verification error|verify error:num=\d+)[:=]?\s*(?P<code>\d*)"
    r"(?P<why>.*)$"
)
_DAY_S = 86_400


def read_certificates(lines: Sequence[str], now: datetime | None) -> Reading:
    """Certificates that are expired, not valid yet or soon expire at `now`, or do not verify."""
    notes = Notes()
    for place, line in enumerate(lines):
        if match := _CHAIN.search(line):
            _judge(time_of(match["start"]), time_of(match["end"]), place, now, notes)
        elif match := _DATE.match(line):
            date = time_of(match["date"])
            is_end = match["end"] is not None
            _judge(None if is_end else date, date if is_end else None, place, now, notes)
        elif match := _VERIFY.match(line):
            notes.know(place)
            if match["code"] != "0" and "ok" not in match["why"]:
                notes.add(
                    place, f"the certificate does not verify: {match['why'].strip(' :()')}", 0.85
                )
    return notes.reading()


def _judge(
    start: datetime | None, end: datetime | None, place: int, now: datetime | None, notes: Notes
) -> None:
    if start is None and end is None:
        return
    notes.know(place)
    if now is None:
        return
    if start is not None and start > now:
        span = in_words((start - now).total_seconds())
        notes.add(place, f"the certificate becomes valid only {span} from now", 0.9)
    if end is not None:
        _judge_end((end - now).total_seconds(), place, notes)


def _judge_end(left_s: float, place: int, notes: Notes) -> None:
    if left_s < 0:
        notes.add(place, f"the certificate expired {in_words(-left_s)} ago", 0.95)
    elif left_s < 7 * _DAY_S:
        notes.add(place, f"the certificate expires in {in_words(left_s)}", 0.75)
    elif left_s < 21 * _DAY_S:
        notes.add(place, f"the certificate expires in {in_words(left_s)}", 0.4)
