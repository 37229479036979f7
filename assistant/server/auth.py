"""Who calls: the owner of the Unix socket, or whoever holds a token, and what they may do.

Whoever can open the socket is the user who runs the server (its mode is 0600) and may do all that
this user may. Over TCP a token says who it is; one that belongs to a front may speak for the people
of that front, because the front has verified them.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated

from fastapi import Depends, Request

from assistant.access.token import SCOPES, Scope
from assistant.approvals.person import Front, Person, system_person
from assistant.errors import NotAllowed
from assistant.server.bodies import PersonBody


@dataclass(frozen=True, slots=True)
class Principal:
    """A caller: the user of this machine, or a token of that name; `front` is a front's token's."""

    name: str
    scopes: frozenset[str]
    front: Front | None = None
    is_local: bool = False

    @property
    def owner(self) -> str:
        """Whose turns and uploads this caller's are; no token can be called like the socket's."""
        return "local" if self.is_local else f"token:{self.name}"

    def turn(self, name: str) -> str:
        """What this caller's turn is called among those of all callers."""
        return f"{self.owner}/{name}"

    def require(self, scope: Scope) -> None:
        """Raises NotAllowed."""
        if scope not in self.scopes and "admin" not in self.scopes:
            raise NotAllowed(
                f"the token {self.name} is not for this", f"it takes one with the scope {scope!r}"
            )

    def person(self, claimed: PersonBody | None) -> Person:
        """For whom this call is made. Raises NotAllowed and ApprovalRefused."""
        if self.is_local:
            return claimed.person if claimed is not None else system_person("cli")
        if claimed is None:
            # Never one of the front's own names: a token may be called like somebody there.
            return Person("api", self.name)
        if self.front is None or claimed.front != self.front:
            raise NotAllowed(
                f"the token {self.name} does not speak for people of {claimed.front!r}",
                "leave `person` out, or use the token of that front",
            )
        return claimed.person


LOCAL = Principal("local", frozenset(SCOPES), is_local=True)
Verify = Callable[[str], Principal | None]
"""The principal of a token's text; None for one that is unknown, revoked or too old."""


def principal_of(request: Request) -> Principal:
    """The caller. Raises NotAllowed."""
    address = request.scope.get("server")
    # The server's end of a Unix socket is a path without a port.
    if address is not None and address[1] is None and address[0] == request.app.state.socket:
        return LOCAL
    kind, _, token = request.headers.get("authorization", "").partition(" ")
    if kind.lower() != "bearer" or not token.strip():
        raise NotAllowed("no token was given", "send Authorization: Bearer TOKEN")
    verify: Verify = request.app.state.verify
    found = verify(token.strip())
    if found is None:
        raise NotAllowed("the token is not valid", "make one on the server: midwatch tokens create")
    return found


Caller = Annotated[Principal, Depends(principal_of)]


def requires(scope: Scope) -> Callable[[Principal], Principal]:
    """A dependency: the caller, who may do what `scope` says."""

    def check(caller: Caller) -> Principal:
        caller.require(scope)
        return caller

    return check


MayAsk = Annotated[Principal, Depends(requires("ask"))]
MayApprove = Annotated[Principal, Depends(requires("approve"))]
MayIngest = Annotated[Principal, Depends(requires("ingest"))]
MayAdminister = Annotated[Principal, Depends(requires("admin"))]
