"""Quantities as commands print them: sizes, shares, ages and times."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from functools import lru_cache

_SIZE = re.compile(r"([\d.]+)\s*([KMGTPE]?)(i?)(B?)", re.IGNORECASE)
_POWERS = {"": 0, "K": 1, "M": 2, "G": 3, "T": 4, "P": 5, "E": 6}
_AGE = re.compile(
    r"(\d{1,9})\s*(y(?:ears?)?|mon(?:ths?)?|w(?:eeks?)?|d(?:ays?)?|h(?:ours?)?|ms|m(?:in(?:ute)?s?)?"
    r"|s(?:ec(?:ond)?s?)?)",
)
_SECONDS = {"y": 31_536_000, "mo": 2_592_000, "w": 604_800, "d": 86_400, "h": 3600, "m": 60, "s": 1}
_TIME_FORMATS = (
    "%b %d %H:%M:%S %Y GMT",
    "%b %d %H:%M:%S %Y",
    "%a, %d %b %Y %H:%M:%S %z",
    "%a, %d %b %Y %H:%M:%S GMT",
    "%Y-%m-%d %H:%M:%S",
)


def size_bytes(text: str) -> float | None:
    """`1.5Gi`, `40G`, `512K` in bytes, by powers of 1,024; None for anything else."""
    match = _SIZE.fullmatch(text.strip().replace(",", "."))
    if match is None or match[1].count(".") > 1 or match[1] == ".":
        return None
    return float(match[1]) * 1024.0 ** _POWERS[match[2].upper()]


@lru_cache(maxsize=4096)
def age_s(text: str) -> float | None:
    """`3h37m`, `21d`, `5 minutes` in seconds; None where there is no age."""
    total = 0.0
    matches = _AGE.findall(text)
    for number, unit in matches:
        if unit == "ms":
            continue
        total += int(number) * _SECONDS["mo" if unit.startswith("mo") else unit[0]]
    return total if matches else None


def in_words(seconds: float) -> str:
    """`3 days`, `40 minutes`: a span for people, in its largest unit."""
    for name, length in (("day", 86_400), ("hour", 3600), ("minute", 60)):
        if seconds >= length:
            count = int(seconds // length)
            return f"{count:,} {name}{'s' * (count != 1)}"
    return f"{int(seconds)} second{'s' * (int(seconds) != 1)}"


def time_of(text: str) -> datetime | None:
    """A time as certificates and headers print it; without a zone it is UTC."""
    clean = " ".join(text.split())
    for form in _TIME_FORMATS:
        try:
            time = datetime.strptime(clean, form)
        except ValueError:
            continue
        return time if time.tzinfo else time.replace(tzinfo=UTC)
    try:
        time = datetime.fromisoformat(clean)
    except ValueError:
        return None
    return time if time.tzinfo else time.replace(tzinfo=UTC)


def number(text: str) -> float:
    """The figure in `text`, with a point or a comma; 0 for anything else."""
    try:
        return float(text.replace(",", "."))
    except ValueError:
        return 0.0


def percent(part: float, whole: float) -> str:
    """`12 %` of a whole that is not 0; below that `0.4 %`."""
    share = 100 * part / whole
    return f"{share:.0f} %" if share >= 0.95 or share == 0 else f"{share:.1f} %"
