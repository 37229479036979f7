"""Upstream: which services others need, by the settings or by what they say they cannot reach.

A service that fails because another one does only echoes its trouble. What is learnt from the logs
is only what a message says outright: a problem in A that names the source B as what did not answer.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence

_MIN_NAME_CHARS = 3
_MAX_MESSAGES = 200
_MAX_MESSAGE_CHARS = 1000
_UNREACHED = (
    r"did not (?:answer|respond|reply)|does not (?:answer|respond)|no (?:answer|response|reply)"
    r"|not respond\w*|tim(?:ed|es|e)[ -]?out\w*|unavailable|unreachable|not reachable|refused"
    r"|is down|failed|connection (?:reset|closed|lost)|returned 5\d\d|ETIMEDOUT|ECONN\w+"
    r"|EHOSTUNREACH"
)
_REACHING = (
    r"(?:cannot|could not|can't|couldn't|unable to|failed to|failed|error|timed? ?out|timeout"
    r"|refused|connection)\b[^.;]{0,30}?\b(?:reach\w*|connect\w*|call\w*|from|to|contact\w*"
    r"|waiting for|upstream|quer\w+)"
)
# Files of one service: `nginx-access` and `nginx-error` are both nginx.
_LOG_KIND = re.compile(r"[-_.](?:access|error|errors|stderr|stdout|out|err|slow|main|server|log)$")


class Dependencies:
    """Which services each needs, directly or through others."""

    def __init__(self, needs: Mapping[str, Iterable[str]]) -> None:
        self._needs = {
            service_of(name): {service_of(n) for n in names} for name, names in needs.items()
        }

    def needs(self, source: str, other: str) -> bool:
        """Whether what `source` records can be an echo of trouble in `other`."""
        return service_of(other) in self._all_needs(service_of(source)) and not self._is_mutual(
            service_of(source), service_of(other)
        )

    def _is_mutual(self, service: str, other: str) -> bool:
        return service in self._all_needs(other)

    def _all_needs(self, service: str) -> set[str]:
        found: set[str] = set()
        left = [service]
        while left:
            new = self._needs.get(left.pop(), set()) - found
            found |= new
            left.extend(new)
        return found


def service_of(source: str) -> str:
    """The service that a source is the log of: `nginx` for `logs/nginx-error.log`."""
    name = source.rsplit("/", 1)[-1].removesuffix(".gz").removesuffix(".log").lower()
    while (shorter := _LOG_KIND.sub("", name)) != name:
        name = shorter
    return name


def learn_needs(
    problems: Mapping[str, Sequence[str]], sources: Sequence[str]
) -> dict[str, set[str]]:
    """Which services each source says it could not reach; `problems` are its problem messages."""
    services = {service_of(source) for source in sources}
    patterns = {
        service: _names_as_unreached(service)
        for service in services
        if len(service) >= _MIN_NAME_CHARS
    }
    needs: defaultdict[str, set[str]] = defaultdict(set)
    for source, messages in problems.items():
        text = "\n".join(message[:_MAX_MESSAGE_CHARS] for message in messages[:_MAX_MESSAGES])
        lowered = text.lower()
        for service, pattern in patterns.items():
            is_named = service in lowered and service != service_of(source)
            if is_named and pattern.search(text):
                needs[service_of(source)].add(service)
    return dict(needs)


def _names_as_unreached(service: str) -> re.Pattern[str]:
    # In a path or a query a word is no service: `GET /search?q=tax 504`.
    name = rf"(?<![\w/.?=&-])(?:https?://)?{re.escape(service)}(?![\w/?=&-]|\.\w)"
    return re.compile(
        rf"{name}(?:\W{{1,3}}\w+){{0,3}}?\W{{1,3}}(?:{_UNREACHED})"
        rf"|{_REACHING}\W{{1,3}}(?:\w+ ){{0,2}}{name}",
        re.IGNORECASE,
    )
