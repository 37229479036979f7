"""Names of services as actions may carry them: what could be taken for anything else is refused.

A name reaches command lines, URLs and XML. No shell is ever involved, but `systemctl` expands
patterns, `group:*` means a whole group to supervisor, and `..` leaves a path. So a name is letters,
digits and a few signs that service managers use. Whether a service of this name exists is another
question, which only the manager's own list answers.
"""

from __future__ import annotations

import re

from tools.errors import InvalidQuery

MAX_NAME_CHARS = 300
_MAX_SHOWN_CHARS = 80
# `group:program`, `namespace/name`, `worker@1.service`, `dev-disk\x2dlabel.service`.
_NAME = re.compile(r"\w[\w.:@/+~=\\-]*")
_BACKEND = re.compile(r"[a-z][a-z0-9-]{0,39}")
_ROOT_OR_UP = frozenset(("", ".", ".."))


def check_service_name(name: str) -> None:
    """Raise InvalidQuery unless `name` may be the name of one service."""
    if len(name) > MAX_NAME_CHARS:
        raise _invalid(name, f"it is longer than {MAX_NAME_CHARS} characters")
    if not _NAME.fullmatch(name):
        raise _invalid(name, "it holds what no name of a service has")
    if not _ROOT_OR_UP.isdisjoint(name.split("/")):
        raise _invalid(name, "it reads like a path")
    if "" in name.split(":"):
        raise _invalid(name, "it would mean a whole group")


def last_part(service: str) -> str:
    """The end of a full name: `web` of `shop/deployment/web`, `api` of `group:api`."""
    return re.split("[/:]", service)[-1]


def short_name(service: str) -> str:
    """What people call a service: the end of its full name, without systemd's `.service`."""
    return last_part(service).removesuffix(".service")


def check_backend_name(name: str) -> None:
    """Raise InvalidQuery unless `name` may be the name of a service manager."""
    if not _BACKEND.fullmatch(name):
        raise InvalidQuery(f"{shown(name)} is no service manager", "try: midwatch services list")


def shown(text: str) -> str:
    """`text` quoted for a message: in ASCII, so that look-alikes do not look alike, and short."""
    quoted = ascii(text)
    return quoted if len(quoted) <= _MAX_SHOWN_CHARS else f"{quoted[:_MAX_SHOWN_CHARS]}...'"


def _invalid(name: str, reason: str) -> InvalidQuery:
    return InvalidQuery(
        f"{shown(name)} is no name of a service: {reason}",
        "use a name exactly as midwatch services list shows it",
    )
