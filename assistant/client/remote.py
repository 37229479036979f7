"""`RemoteAssistant`: an `Assistant` in a server, on this machine or on another."""

from __future__ import annotations

import json
import secrets
import tarfile
import tempfile
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing, asynccontextmanager, suppress
from pathlib import Path
from typing import IO, Any
from urllib.parse import quote

import anyio
import httpx

from assistant import wire
from assistant.approvals.approval import Approval
from assistant.client.finding import ServerAddress
from assistant.client.http import call, open_client, stream, turn_stream
from assistant.errors import MidwatchError, ServerError
from assistant.events import Event, TurnFailed, TurnFinished, TurnStarted
from assistant.interface import (
    AskRequest,
    Conversation,
    DecideRequest,
    Found,
    IngestRequest,
    OrderRequest,
    RunRequest,
    SearchRequest,
)
from assistant.sessions import SessionInfo
from knowledge.ingest import IngestProgress, IngestReport

_LAST = frozenset({TurnFinished.__name__, TurnFailed.__name__})
_CHUNK_BYTES = 1 << 16
_CANCEL_TIMEOUT_S = 2.0


class RemoteAssistant:
    """An `Assistant` that a server is; open it with `open_remote_assistant`."""

    def __init__(self, client: httpx.AsyncClient, *, is_same_machine: bool) -> None:
        self._client = client
        self._is_same_machine = is_same_machine

    async def settings(self) -> str:
        """The digest of the settings that the server answers by; empty when it does not say."""
        told = await self._call("GET", "/healthz")
        return str(told.get("settings", ""))

    async def ask(self, request: AskRequest) -> AsyncGenerator[Event]:
        """See `Assistant.ask`."""
        turn = request.turn or _new_turn()
        try:
            body = await self._question(request)
        except MidwatchError as error:
            yield TurnFailed(request.session or "", error.code, error.message, error.hint)
            return
        async with aclosing(self._turn(f"/api/turns/{turn}", body, turn)) as events:
            async for event in events:
                yield event

    async def decide(self, request: DecideRequest) -> AsyncGenerator[Event]:
        """See `Assistant.decide`."""
        turn = request.turn or _new_turn()
        body = {
            "verdict": request.verdict,
            "person": self._person(request),
            "note": request.note,
            "goes_on": request.goes_on,
        }
        path = f"/api/approvals/{_quoted(request.approval)}/decision/{turn}"
        async with aclosing(self._turn(path, body, turn)) as events:
            async for event in events:
                yield event

    async def order(self, request: OrderRequest | RunRequest) -> Approval:
        """See `Assistant.order`."""
        kind = "services" if isinstance(request, OrderRequest) else "code"
        body = {**wire.written(request), "person": self._person(request)}
        if isinstance(request, RunRequest) and request.folder is not None:
            body["folder"] = str(request.folder.absolute())
        return wire.read(Approval, await self._call("POST", f"/api/approvals/{kind}", json=body))

    async def approvals(self, session: str | None = None) -> list[Approval]:
        """See `Assistant.approvals`."""
        only = {"session": session} if session is not None else {}
        told = await self._call("GET", "/api/approvals", params=only)
        return [wire.read(Approval, one) for one in told["approvals"]]

    async def sessions(self) -> list[SessionInfo]:
        """See `Assistant.sessions`."""
        told = await self._call("GET", "/api/sessions")
        return [wire.read(SessionInfo, one) for one in told["sessions"]]

    async def conversation(self, session: str) -> Conversation:
        """See `Assistant.conversation`."""
        told = await self._call("GET", f"/api/sessions/{_quoted(session)}")
        return wire.read(Conversation, told)

    async def rename(self, session: str, title: str) -> None:
        """See `Assistant.rename`."""
        await self._call("PATCH", f"/api/sessions/{_quoted(session)}", json={"title": title})

    async def delete(self, session: str) -> str:
        """See `Assistant.delete`."""
        told = await self._call("DELETE", f"/api/sessions/{_quoted(session)}")
        return str(told["deleted"])

    async def search(self, request: SearchRequest) -> Found:
        """See `Assistant.search`."""
        only = request.only
        params: dict[str, Any] = {
            "q": request.query,
            "k": request.count,
            "path": only.paths,
            "kind": only.kinds,
            "service": only.services,
        }
        if only.since_utc is not None:
            params["since"] = only.since_utc.isoformat()
        told = await self._call("GET", "/api/knowledge/search", params=params)
        return wire.read(Found, told)

    async def ingest(self, request: IngestRequest) -> AsyncGenerator[IngestProgress | IngestReport]:
        """See `Assistant.ingest`. Documents of another machine are taken in there."""
        body = wire.written(request)
        body["paths"] = [str(path.absolute()) for path in request.paths]
        events = stream(self._client, "POST", "/api/knowledge/ingest", body)
        async with aclosing(events) as told:
            async for event in told:
                yield _ingested(event.event, json.loads(event.data))

    async def aclose(self) -> None:
        """See `Assistant.aclose`."""
        await self._client.aclose()

    async def _call(self, method: str, path: str, **given: Any) -> Any:
        return await call(self._client, method, path, **given)

    async def _turn(self, path: str, body: Any, turn: str) -> AsyncGenerator[Event]:
        """The turn's events; closing the iterator cancels it there. What fails is an event, too."""
        session = ""
        has_ended = False
        try:
            events = turn_stream(self._client, path, body, turn, _LAST)
            async with aclosing(events) as told:
                async for sent in told:
                    event = wire.event_of(json.loads(sent.data))
                    if isinstance(event, TurnStarted):
                        session = event.session
                    has_ended = sent.event in _LAST
                    yield event
        except MidwatchError as error:
            has_ended = True
            yield TurnFailed(session, error.code, error.message, error.hint)
        finally:
            if not has_ended:
                await self._cancel(turn)

    async def _cancel(self, turn: str) -> None:
        """Best effort: a turn that nobody listens to ends by itself, a little later."""
        with anyio.move_on_after(_CANCEL_TIMEOUT_S, shield=True), suppress(MidwatchError):
            await self._call("DELETE", f"/api/turns/{turn}")

    async def _question(self, request: AskRequest) -> dict[str, Any]:
        body: dict[str, Any] = {
            "question": request.question,
            "session": request.session,
            "continue_last": request.continue_last,
            "person": self._person(request),
            "urgency": request.urgency,
            "severity": request.severity,
            "is_deep": request.is_deep,
            "may_be_cached": request.may_be_cached,
        }
        files = [*request.files, *([request.stdin_file] if request.stdin_file else [])]
        if self._is_same_machine:
            body["bundle"] = str(request.bundle.absolute()) if request.bundle else None
            body["files"] = [str(path.absolute()) for path in request.files]
            body["stdin_file"] = str(request.stdin_file) if request.stdin_file else None
        elif request.bundle is not None:
            body["uploads"] = [await self._send_bundle(request.bundle)]
        else:
            body["uploads"] = [await self._send_file(path) for path in files]
        return body

    def _person(self, request: Any) -> Any:
        """Who acts, where this process may say so: elsewhere the token does."""
        if not self._is_same_machine or request.person is None:
            return None
        return wire.written(request.person)

    async def _send_file(self, path: Path) -> str:
        with _opened(path) as file:
            return await self._send(file, path.name, is_bundle=False)

    async def _send_bundle(self, folder: Path) -> str:
        with tempfile.TemporaryFile() as archive:
            await anyio.to_thread.run_sync(_pack, folder, archive)
            return await self._send(archive, folder.name, is_bundle=True)

    async def _send(self, file: IO[bytes], name: str, *, is_bundle: bool) -> str:
        file.seek(0)
        params = {"name": name, "bundle": is_bundle}
        told = await self._call("POST", "/api/uploads", params=params, content=_chunks(file))
        return str(told["id"])


@asynccontextmanager
async def open_remote_assistant(address: ServerAddress) -> AsyncIterator[RemoteAssistant]:
    """The assistant at that address; whether it answers shows with the first call."""
    client = open_client(address)
    assistant = RemoteAssistant(client, is_same_machine=address.socket is not None)
    try:
        yield assistant
    finally:
        await assistant.aclose()


def _new_turn() -> str:
    return secrets.token_hex(12)


def _quoted(name: str) -> str:
    """The name as one part of a path, whatever is in it."""
    return quote(name, safe="") or "-"


def _ingested(name: str, value: Any) -> IngestProgress | IngestReport:
    if name == IngestReport.__name__:
        return wire.read(IngestReport, value)
    if name == IngestProgress.__name__:
        return wire.read(IngestProgress, value)
    error = ServerError(str(value.get("message")), str(value.get("hint")))
    error.code = str(value.get("code"))
    raise error


def _opened(path: Path) -> IO[bytes]:
    try:
        return path.open("rb")
    except OSError as error:
        raise ServerError(f"{path} cannot be read: {error}", "check the path") from error


def _pack(folder: Path, archive: IO[bytes]) -> None:
    if not folder.is_dir():
        raise ServerError(f"{folder} is no folder", "name the bundle's folder")
    with tarfile.open(fileobj=archive, mode="w:gz", compresslevel=1) as packed:
        packed.add(folder, arcname=".", filter=_plain)


def _plain(member: tarfile.TarInfo) -> tarfile.TarInfo | None:
    """Files and folders without whose they are; links and devices stay here."""
    if not (member.isfile() or member.isdir()):
        return None
    member.uid = member.gid = 0
    member.uname = member.gname = ""
    return member


async def _chunks(file: IO[bytes]) -> AsyncIterator[bytes]:
    while chunk := await anyio.to_thread.run_sync(file.read, _CHUNK_BYTES):
        yield chunk
