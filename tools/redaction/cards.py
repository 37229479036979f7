"""Payment cards: an issuer's prefix, its length, and a valid check digit (ISO/IEC 7812-1, Luhn)."""

from __future__ import annotations

import re
from collections.abc import Iterator

from tools.redaction.secret import Secret

# In one piece or in the groups that are printed on the card; no part of a longer name.
_CARD = re.compile(
    r"(?<![\w./#+-])(?<!\d[ :,])(?:"
    r"(?:4\d{3}|5[1-5]\d\d|2[2-7]\d\d|6(?:011|4[4-9]\d|5\d\d|2\d\d)|35[2-8]\d)"
    r"([ -]?)\d{4}\1\d{4}\1\d{4}"
    r"|3[47]\d\d([ -]?)\d{6}\2\d{5}"
    r"|3(?:0[0-5]|[68]\d)\d([ -]?)\d{6}\3\d{4}"
    r")(?![\w-]|[./:, ]\d)",
    re.ASCII,
)
# Numbers that are called something else.
_NAME_BEFORE = re.compile(
    r"(?:id|ids|no|nr|num|number|offset|seq|sequence|ts|time|timestamp|nanos|order|trace|span|bytes|size"
    r"|count|version|serial|lsn|xid|txid|scn|zxid|node|block|hash|checksum|duration|ns|us|ms)"
    r"[\"']?\s?[=:#]?\s?[\"'\[(]?$",
    re.IGNORECASE,
)
_OF_CARDS = re.compile(r"card|pan\b|cc|credit|visa|master|amex|debit|payment", re.IGNORECASE)
_LOOK_BACK_CHARS = 40


def find_cards(text: str) -> Iterator[Secret]:
    """The card numbers in `text`; `plain` is the digits alone."""
    for match in _CARD.finditer(text):
        digits = "".join(c for c in match[0] if c.isdigit())
        before = text[max(0, match.start() - _LOOK_BACK_CHARS) : match.start()]
        is_named = bool(_NAME_BEFORE.search(before)) and not _OF_CARDS.search(before)
        if _has_check_digit(digits) and _has_issuer(digits) and not is_named:
            yield Secret(match.start(), match.end(), digits, "card")


def _has_issuer(digits: str) -> bool:
    """Whether a prefix of Mastercard's second range lies in it: 2221 to 2720."""
    return digits[0] != "2" or "2221" <= digits[:4] <= "2720"


def _has_check_digit(digits: str) -> bool:
    doubled = (sum(divmod(2 * int(digit), 10)) for digit in digits[-2::-2])
    return (sum(doubled) + sum(int(digit) for digit in digits[-1::-2])) % 10 == 0
