"""Change events: deploys, reloads, migrations, jobs and the like, in the words of any program.

A change is no trouble in itself. Which one was made just before the trouble began is found out when
all sources were read.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from tools.logs.moments import clock
from tools.logs.signs.change_logs import is_change_log
from tools.logs.signs.history import History
from tools.logs.signs.sign import Sign
from tools.logs.signs.startups import Startups

_JOBS = (
    r"(?:job|task|batch|backup|import|export|vacuum|compaction|re-?index(?:ing)?|snapshot|clean-?up"
    r"|rebuild|(?:full )?sync)"
)
_BEGINS = r"(?:start(?:ed|s|ing)|begins?|began|begun|launched|kicked off)"
_SECRETS = r"(?:secret|password|credential|key|token)s?"
_KINDS: tuple[tuple[str, str], ...] = (
    (
        "deploy",
        r"\bdeploy\w*|\brollout\b|\broll(?:ing|ed)[- ](?:out|update)|\bupgrad(?:e[ds]?|ing)\b"
        r"|\breleas(?:ed|ing) v?\d|\bpromot(?:ed|ing)\b|\bnew (?:version|release|image)\b"
        r"|\bblue[-/ ]green\b|\bcanary\b|\binstall(?:ed|ing) (?:package|version)",
    ),
    ("rollback", r"\broll(?:ed|ing)?[- ]?back\b|\brevert(?:ed|ing)\b"),
    ("reload", r"\breload(?:ed|ing|s)?\b|\breconfigur\w+|\bSIGHUP\b|\bsignal 1\b"),
    (
        "configuration",
        r"\bconfig\w*\b.{0,40}\b(?:changed?|updated?|applied|loaded|set|written|switched)\b"
        r"|\b(?:changed?|updat(?:ed|ing)|appl(?:ied|ying)|set(?:ting)?|load(?:ed|ing)) "
        r"(?:the )?(?:new )?(?:config\w*|settings?|policy|rules?)\b|\bCONFIG SET\b",
    ),
    (
        "migration",
        r"\bmigrat\w+|\balter table\b|\bschema (?:change|update|version)"
        r"|\bcreate (?:unique )?index\b",
    ),
    (
        "job",
        rf"\bcron\b|\bCMD \(|\b{_JOBS}\b[^.]{{0,40}}\b{_BEGINS}\b"
        rf"|\b(?:start(?:ed|ing)|begin(?:ning)?|running|launching) (?:a |the )?(?:\w+ ){{0,2}}"
        rf"{_JOBS}\b",
    ),
    (
        "certificate",
        r"\bcert\w*\b.{0,40}\b(?:renew\w*|rotat\w*|replac\w*|reload\w*|install\w*|issued)\b"
        r"|\brenew\w* (?:the )?cert\w*",
    ),
    (
        "failover",
        r"\bfail(?:ing|ed)?[- ]?over\b|\bswitch-?over\b|\belect(?:ed|ion)\b"
        r"|\bnew (?:leader|master|primary)\b|\bstepp(?:ed|ing) down\b"
        r"|\b(?:became|becoming|promoted to|acting as) (?:the )?(?:leader|master|primary|active)\b",
    ),
    (
        "scaling",
        r"\bscal(?:ed|ing) (?:up|down|in|out|to|from|replica)|\bautoscal\w+|\bresiz(?:ed|ing)\b"
        r"|\breplicas?\b.{0,20}\bfrom \d+ to \d+",
    ),
    (
        "feature flag",
        r"\bfeature[-_ ]?(?:flag|toggle|gate)s?\b"
        r"|\bflag\b.{0,40}\b(?:enabled|disabled|turned|set|on|off)\b"
        r"|\b(?:enabled|disabled|toggled) (?:the )?(?:feature|flag|experiment)\b",
    ),
    (
        "rotation",
        rf"\b{_SECRETS}\b.{{0,40}}\b(?:rotat\w+|changed|renewed|revoked|replaced)\b"
        rf"|\brotat(?:ed|ing|ion)\b.{{0,40}}\b(?:{_SECRETS}|role)\b|\brotation \d+",
    ),
    (
        "maintenance",
        r"\bmaintenance (?:mode|window)\b|\bdrain(?:ed|ing)\b|\bcordon\w*"
        r"|\bswitch(?:ed|ing) (?:to|over|traffic)\b|\brestarting \w",
    ),
)
_CHANGE = re.compile(
    "|".join(f"(?P<k{place}>{words})" for place, (_, words) in enumerate(_KINDS)), re.IGNORECASE
)
_MAX_CHARS = 400
_MAX_EVENTS = 6
_MAX_SHARE = 0.2
_SUSPICION = 0.1


def change_in(message: str) -> str | None:
    """The kind of change that a message tells of, if any: `deploy`, `reload`, `migration`, …"""
    match = _CHANGE.search(message, 0, _MAX_CHARS)
    return _KINDS[int((match.lastgroup or "k0")[1:])][0] if match else None


def changes(history: History, startups: Startups) -> Iterator[Sign]:
    """The change events of a source; what a process says of itself at its first start is none."""
    is_record_of_changes = is_change_log(history.source)
    for number in history.groups:
        group = history.group(number)
        kind = change_in(group.message)
        if group.is_problem or (kind is None and not is_record_of_changes):
            continue
        if is_record_of_changes or group.count <= max(_MAX_EVENTS, _MAX_SHARE * len(history)):
            yield from _events(history, startups, number, kind or "change")


def _events(history: History, startups: Startups, number: int, kind: str) -> Iterator[Sign]:
    first_stretch = startups.stretches[0] if startups.stretches else (0, 0)
    is_first = not is_change_log(history.source)
    positions = history.positions(number).tolist()
    # What is told several times in one moment is one change.
    places = {history.time_at(position): position for position in reversed(positions)}
    # The latest ones: what was changed long ago was changed before the trouble.
    for time, position in list(places.items())[:_MAX_EVENTS][::-1]:
        at_first_start = is_first and first_stretch[0] <= position < first_stretch[1]
        if time is not None and not at_first_start:
            note = f"{kind} at {clock(time)}"
            yield Sign("change", number, position, time, time, len(positions), note, _SUSPICION)
