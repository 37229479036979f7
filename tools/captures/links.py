"""Which settings explain which symptoms: a memory kill the limits, a selector the node's labels.

A symptom names no setting, so shared words do not lead from one to the other; this general
knowledge of the trade does.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

_LINKS: tuple[tuple[re.Pattern[str], re.Pattern[str], str], ...] = tuple(
    (re.compile(symptom, re.IGNORECASE), re.compile(setting, re.IGNORECASE), note)
    for symptom, setting, note in (
        (
            r"affinity|node ?selector|didn't match",
            r"^\W*(?:node-?selectors?|(?:node|pod)(?:anti)?affinity)\"?\s*:",
            "the nodes must have this label",
        ),
        (
            r"untolerated taint|had taint",
            r"^\W*(?:tolerations|taints)\"?\s*:",
            "taints keep pods away that do not tolerate them",
        ),
        (
            r"insufficient (?:cpu|memory|ephemeral|nvidia)|overcommit",
            r"^\W*requests\"?\s*:",
            "what is asked of a node",
        ),
        (
            r"\bthrottl|cpu limit",
            r"^\W*limits\"?\s*:",
            "the limit that the processor time is held to",
        ),
        (
            r"OOM|out of memory|memory limit",
            r"^\W*limits\"?\s*:",
            "the limit that the memory is held to",
        ),
        (
            r"ImagePull|ErrImage|InvalidImage|pull(?:ing)? image|manifest unknown",
            r"^\W*image\"?\s*:",
            "the image that is asked for",
        ),
        (
            r"(?:liveness|readiness|startup) probe|unhealthy",
            r"^\W*(?:liveness|readiness|startup)(?:probe)?\"?\s*:",
            "how its health is asked for",
        ),
        (
            r"storage ?class|persistentvolumeclaim|unbound",
            r"^\W*(?:storage-?class(?:name)?|claimname)\"?\s*:",
            "the storage that is asked for",
        ),
        (
            r"no ready pod|no endpoints|endpoints not found",
            r"^\W*(?:selector|labels)\"?\s*:",
            "a service finds its pods by labels",
        ),
        (
            r"forbidden|cannot (?:get|list|watch|create|patch) resource|service ?account",
            r"^\W*service ?account(?:name)?\"?\s*:",
            "whose rights are used",
        ),
        (
            r"command|exit code 12[67]|not found in \$PATH|StartError|ContainerCannotRun",
            r"^\W*(?:command|args)\"?\s*:",
            "what is run",
        ),
        (
            r"ingress",
            r"^\W*ingress-?class(?:name)?\"?\s*:",
            "which controller serves it",
        ),
    )
)


_MONTHS = ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"]
_DAY = re.compile(
    rf"\b(?P<month>{'|'.join(_MONTHS)})[a-z]*\.? (?P<day>\d{{1,2}})\b"
    rf"|\b(?P<day2>\d{{1,2}})(?:th|st|nd|rd)?\.? (?P<month2>{'|'.join(_MONTHS)})",
    re.IGNORECASE,
)
_CHANGE = re.compile(r"\bchang|\bdeploy|\brelease|\broll(?:ed)? ?out|\bupgrad", re.IGNORECASE)
_CHANGE_WORDS = ("deployed", "rollout", "upgraded", "updated", "changed", "scaled", "revision")


def implied_words(question: str) -> list[str]:
    """What the question names in other words: `June 12` is `-06-12` in a time stamp."""
    words = []
    for match in _DAY.finditer(question):
        month = (match["month"] or match["month2"]).lower()[:3]
        words.append(f"-{_MONTHS.index(month) + 1:02}-{int(match['day'] or match['day2']):02}")
    if _CHANGE.search(question):
        words.extend(_CHANGE_WORDS)
    return words


class Explanations:
    """The settings that the symptoms in some texts point at."""

    def __init__(self, texts: Iterable[str]) -> None:
        joined = "\n".join(texts)
        self._settings = [(s, note) for symptom, s, note in _LINKS if symptom.search(joined)]

    def note(self, line: str) -> str:
        """Why the setting in `line` matters to the symptoms; empty when it does not."""
        return next((note for setting, note in self._settings if setting.search(line)), "")

    def __bool__(self) -> bool:
        return bool(self._settings)
