"""Form: how much a document is written as an answer to trouble.

A runbook says what a symptom means, what it affects, how to look into it and what to do; a guide or
a reference page does not. Among pages that speak of the same things, a question from the night
shift is answered by the runbook.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

_ENOUGH = 3

_SECTIONS = re.compile(
    r"\b(?:(meaning|summary)|(impact)|(symptom)|(diagnos|investigat|troubleshoot)|(causes?\b)"
    r"|(mitigat|resol|remed|fix|recover|what to do))",
    re.IGNORECASE,
)


def runbook_form(headings: Iterable[str]) -> float:
    """The share of a runbook's usual sections that a document has, 0 to 1; three are all.

    `headings` are breadcrumbs (`A > B`); their last words count.
    """
    found = {
        match.lastindex
        for heading in headings
        for match in _SECTIONS.finditer(heading.rpartition(" > ")[2])
    }
    return min(len(found), _ENOUGH) / _ENOUGH
