"""Clients that are slow on purpose, on a real socket."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from assistant.server import impatience
from assistant.server.app import create_app
from tests.assistant.serving import listening, state_for

from .test_access import Recording

HEAD = b"POST /api/turns HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"


@pytest.fixture
async def socket(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Path]:
    monkeypatch.setattr(impatience, "HEAD_TIMEOUT_S", 0.2)
    monkeypatch.setattr(impatience, "BODY_TIMEOUT_S", 0.2)
    async with listening(lambda path: create_app(state_for(Recording(), tmp_path), path)) as path:
        yield path


async def _sent(socket: Path, *pieces: bytes) -> bytes:
    """What the server says to pieces that come one after the other, until it closes."""
    reader, writer = await asyncio.open_unix_connection(str(socket))
    try:
        for piece in pieces:
            writer.write(piece)
            await asyncio.sleep(0.01)
        async with asyncio.timeout(20):
            return await reader.read()
    except ConnectionResetError:
        return b""
    finally:
        writer.close()


@pytest.mark.parametrize("pieces", [(), (b"G",), (b"GET / HT",), (HEAD,), (HEAD, b"X: y\r\n")])
async def test_a_head_that_does_not_come_costs_the_connection(
    socket: Path, pieces: tuple[bytes, ...]
) -> None:
    assert await _sent(socket, *pieces) == b""


async def test_a_second_head_that_does_not_come_costs_it_too(socket: Path) -> None:
    whole = b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n"
    said = await _sent(socket, whole, HEAD)
    assert said.count(b"HTTP/1.1") == 1
    assert b"200 OK" in said


async def test_a_body_that_does_not_come_is_refused(socket: Path) -> None:
    said = await _sent(socket, HEAD + b"Content-Length: 100\r\n\r\n", b'{"quest')
    assert b"408" in said.partition(b"\r\n")[0]


async def test_an_answer_may_take_longer_than_a_head(socket: Path) -> None:
    body = b'{"question": "why?"}'
    head = HEAD + b"Connection: close\r\nContent-Length: %d\r\n\r\n" % len(body)
    said = await _sent(socket, head + body)
    assert b"TurnFinished" in said
