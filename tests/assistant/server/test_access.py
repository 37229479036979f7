"""Who may do what over TCP, where a token says who calls."""

from __future__ import annotations

import io
import tarfile
from collections.abc import AsyncGenerator, AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from assistant.access.quotas import Limits, Quotas
from assistant.approvals.person import Person, system_person
from assistant.events import Event, TurnFinished
from assistant.interface import AskRequest, DecideRequest, OrderRequest
from assistant.server.app import create_app
from assistant.server.auth import Principal
from tests.assistant.serving import state_for

TOKENS = {
    "asks": Principal("asks", frozenset({"ask"})),
    "other": Principal("other", frozenset({"ask"})),
    "decides": Principal("decides", frozenset({"ask", "approve"})),
    "slack": Principal("bot", frozenset({"ask", "approve"}), front="slack"),
    "admin": Principal("root", frozenset({"admin"})),
}
ANN = {"front": "slack", "user": "U1", "groups": ["oncall"]}


class Recording:
    """An assistant that keeps what it is asked."""

    def __init__(self) -> None:
        self.requests: list[Any] = []

    async def ask(self, request: AskRequest) -> AsyncGenerator[Event]:
        self.requests.append(request)
        yield TurnFinished("s1", "fine", "answered")

    async def decide(self, request: DecideRequest) -> AsyncGenerator[Event]:
        self.requests.append(request)
        yield TurnFinished("s1", "fine", "answered")

    async def sessions(self) -> list[Any]:
        return []

    def __getattr__(self, name: str) -> Any:
        raise AssertionError(f"{name} was reached")


@pytest.fixture
def assistant() -> Recording:
    return Recording()


@pytest.fixture
async def client(assistant: Recording, tmp_path: Path) -> AsyncIterator[httpx.AsyncClient]:
    app = create_app(state_for(assistant, tmp_path), "/run/s.sock", TOKENS.get)  # type: ignore[arg-type]
    transport = httpx.ASGITransport(app, raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://server:8443") as opened:
        yield opened


def as_(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({}, 401),
        ({"Authorization": "Bearer wrong"}, 403),
        ({"Authorization": "Bearer "}, 403),
        ({"Authorization": "Basic YTph"}, 403),
        ({"Authorization": "asks"}, 403),
        (as_("asks"), 200),
        ({"Authorization": "bearer asks"}, 200),
        (as_("admin"), 200),
    ],
)
async def test_a_token_is_needed(
    client: httpx.AsyncClient, headers: dict[str, str], status: int
) -> None:
    response = await client.get("/api/sessions", headers=headers)
    assert response.status_code == status
    if status == 401:
        assert response.headers["www-authenticate"] == "Bearer"


@pytest.mark.parametrize("path", ["/healthz", "/readyz", "/openapi.json", "/docs"])
async def test_health_and_the_description_need_none(client: httpx.AsyncClient, path: str) -> None:
    assert (await client.get(path)).status_code == 200


async def test_the_name_of_the_socket_is_no_pass(assistant: Recording, tmp_path: Path) -> None:
    """A host header that names the socket comes from a client, not from the system."""
    app = create_app(state_for(assistant, tmp_path), "/run/s.sock")
    transport = httpx.ASGITransport(app)
    async with httpx.AsyncClient(transport=transport, base_url="http://server:8443") as client:
        response = await client.get("/api/sessions", headers={"Host": "/run/s.sock"})
    assert response.status_code == 401


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("POST", "/api/approvals/a-1/decision", {"verdict": "approved"}),
        ("PUT", "/api/approvals/a-1/decision/turn-0001", {"verdict": "approved"}),
        ("POST", "/api/knowledge/ingest", {}),
    ],
)
async def test_asking_is_not_deciding(
    client: httpx.AsyncClient, method: str, path: str, body: dict[str, Any]
) -> None:
    response = await client.request(method, path, json=body, headers=as_("asks"))
    assert response.status_code == 403
    assert "scope" in response.json()["error"]["hint"]


async def test_a_token_acts_in_its_own_name(
    client: httpx.AsyncClient, assistant: Recording
) -> None:
    body = {"verdict": "approved"}
    await client.post("/api/approvals/a-1/decision", json=body, headers=as_("decides"))
    [request] = assistant.requests
    assert request.person == Person("api", "decides")


async def test_only_a_fronts_token_speaks_for_its_people(
    client: httpx.AsyncClient, assistant: Recording
) -> None:
    body = {"question": "why?", "person": ANN}
    assert (await client.post("/api/turns", json=body, headers=as_("asks"))).status_code == 403
    system = {"front": "cli", "user": system_person("cli").user}
    claimed = {"question": "why?", "person": system}
    assert (await client.post("/api/turns", json=claimed, headers=as_("slack"))).status_code == 403
    assert assistant.requests == []
    assert (await client.post("/api/turns", json=body, headers=as_("slack"))).status_code == 200
    assert assistant.requests[0].person == Person("slack", "U1", ("oncall",))


@pytest.mark.parametrize(
    "more",
    [{"files": ["/etc/passwd"]}, {"bundle": "/etc"}, {"stdin_file": "/etc/passwd"}],
)
async def test_paths_of_the_server_are_not_for_the_network(
    client: httpx.AsyncClient, assistant: Recording, more: dict[str, Any]
) -> None:
    for token in ("asks", "admin"):
        body = {"question": "why?", **more}
        response = await client.post("/api/turns", json=body, headers=as_(token))
        assert response.status_code == 403
    assert assistant.requests == []


async def _uploaded(client: httpx.AsyncClient, content: bytes, **params: Any) -> httpx.Response:
    return await client.post("/api/uploads", params=params, content=content, headers=as_("asks"))


async def test_an_upload_is_evidence_of_its_owner_alone(
    client: httpx.AsyncClient, assistant: Recording
) -> None:
    sent = await _uploaded(client, b"ERROR no space left\n", name="../../pay.log")
    body = {"question": "why?", "uploads": [sent.json()["id"]]}
    refused = await client.post("/api/turns", json=body, headers=as_("other"))
    assert refused.status_code == 422
    await client.post("/api/turns", json=body, headers=as_("asks"))
    [request] = assistant.requests
    [path] = request.files
    assert (path.name, path.read_bytes()) == ("pay.log", b"ERROR no space left\n")


def _archive(*members: tuple[str, bytes], link: str = "") -> bytes:
    made = io.BytesIO()
    with tarfile.open(fileobj=made, mode="w:gz") as archive:
        for name, content in members:
            member = tarfile.TarInfo(name)
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
        if link:
            member = tarfile.TarInfo("logs/link.log")
            member.type, member.linkname = tarfile.SYMTYPE, link
            archive.addfile(member)
    return made.getvalue()


async def test_a_bundle_is_unpacked_without_what_leads_out_of_it(
    client: httpx.AsyncClient, assistant: Recording
) -> None:
    sent = await _uploaded(
        client, _archive(("logs/pay.log", b"ERROR\n"), link="/etc/passwd"), bundle=True
    )
    body = {"question": "why?", "uploads": [sent.json()["id"]]}
    await client.post("/api/turns", json=body, headers=as_("asks"))
    [request] = assistant.requests
    assert [path.name for path in request.bundle.rglob("*")] == ["logs", "pay.log"]


@pytest.mark.parametrize(
    "content",
    [
        b"no archive",
        _archive(("../out.log", b"x")),
        _archive(("a", b"x" * (2 << 20))),
        _archive(("a", b"x"))[:40],
    ],
    ids=["no archive", "leads out", "too large", "cut"],
)
async def test_a_bad_bundle_is_refused_and_leaves_nothing(
    client: httpx.AsyncClient, tmp_path: Path, content: bytes
) -> None:
    response = await _uploaded(client, content, bundle=True)
    assert response.status_code == 422
    assert list((tmp_path / "uploads").iterdir()) == []


async def test_a_file_that_is_too_large_is_refused_and_leaves_nothing(
    client: httpx.AsyncClient, tmp_path: Path
) -> None:
    response = await _uploaded(client, b"x" * ((1 << 20) + 1))
    assert response.status_code == 422
    assert "max_upload_mib" in response.json()["error"]["hint"]
    assert list((tmp_path / "uploads").iterdir()) == []


async def test_a_body_that_is_too_large_is_refused(client: httpx.AsyncClient) -> None:
    content = b'{"question": "' + b"x" * (5 << 20) + b'"}'
    response = await client.post("/api/turns", content=content, headers=as_("asks"))
    assert response.status_code == 413


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"null",
        b"[1]",
        b"{",
        b"\xff\xfe",
        b'{"question": ""}',
        b'{"question": "a", "colour": "red"}',
        b'{"question": "a", "files": ["relative"]}',
        b'{"question": "a", "person": {"front": "root", "user": "x"}}',
        b'{"question": "a", "person": {"front": "cli", "user": "x\\ny"}}',
        b'{"question": "a", "uploads": ["../x"]}',
        b'{"question": "a", "urgency": "now"}',
    ],
)
async def test_bad_requests_are_told_what_is_wrong(
    client: httpx.AsyncClient, assistant: Recording, body: bytes
) -> None:
    headers = {**as_("slack"), "Content-Type": "application/json"}
    response = await client.post("/api/turns", content=body, headers=headers)
    assert response.status_code == 422
    assert response.json()["error"]["message"]
    assert assistant.requests == []


@pytest.mark.parametrize("number", ["-1", "x", "1.5", "9" * 40, "²"])
async def test_a_bad_last_event_id_is_refused(client: httpx.AsyncClient, number: str) -> None:
    headers = {**as_("asks"), "Last-Event-ID": number.encode()}
    response = await client.post("/api/turns", json={"question": "a"}, headers=headers)  # type: ignore[arg-type]
    assert response.status_code == 422


async def test_order_goes_out_in_the_callers_name(client: httpx.AsyncClient) -> None:
    ordered: list[OrderRequest] = []

    class Ordering(Recording):
        async def order(self, request: OrderRequest) -> Any:
            ordered.append(request)
            raise ValueError("not further")

    app = create_app(state_for(Ordering(), Path("/nowhere")), "/run/s", TOKENS.get)  # type: ignore[arg-type]
    transport = httpx.ASGITransport(app, raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://server:8443") as opened:
        body = {"verb": "restart", "service": "pay", "person": ANN}
        response = await opened.post("/api/approvals/services", json=body, headers=as_("slack"))
    assert response.status_code == 500
    assert response.json()["error"]["code"] == "internal"
    [order] = ordered
    assert order.person == Person("slack", "U1", ("oncall",))


async def test_a_fronts_token_without_a_person_is_nobody_of_that_front(
    client: httpx.AsyncClient, assistant: Recording
) -> None:
    await client.post("/api/turns", json={"question": "why?"}, headers=as_("slack"))
    assert assistant.requests[0].person == Person("api", "bot")


async def test_a_quota_is_told_with_the_time_to_wait(tmp_path: Path, assistant: Recording) -> None:
    state = state_for(assistant, tmp_path)
    state.quotas = Quotas(Limits(turns_per_minute=2))
    app = create_app(state, "/run/s", TOKENS.get)
    transport = httpx.ASGITransport(app)
    async with httpx.AsyncClient(transport=transport, base_url="http://server:8443") as opened:
        statuses = []
        for _ in range(3):
            asked = {"question": "why?"}
            response = await opened.post("/api/turns", json=asked, headers=as_("asks"))
            statuses.append(response.status_code)
        other = await opened.post("/api/turns", json=asked, headers=as_("other"))
    assert statuses == [200, 200, 429]
    assert 0 < int(response.headers["retry-after"]) <= 61
    assert other.status_code == 200
    assert len(assistant.requests) == 3
