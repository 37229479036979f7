from __future__ import annotations

import socket
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import huggingface_hub.constants
import pytest

from assistant.models import hub as hub_module
from assistant.models.catalog import CatalogEntry
from assistant.models.hub import HubSource
from assistant.models.source import SourceFailed

if TYPE_CHECKING:
    from conftest import Hub


@pytest.fixture(autouse=True)
def no_pause(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hub_module, "_RECONNECT_PAUSE_S", 0.0)


def read(endpoint: str, entry: CatalogEntry, start: int = 0) -> bytes:
    source = HubSource(endpoint)
    return b"".join(source.read(entry, start, Path("unused"), lambda _: None))


def test_the_whole_file_is_read_through_the_redirect(hub: Hub, entry: CatalogEntry) -> None:
    assert read(hub.endpoint, entry) == hub.content
    assert hub.starts == [0]


def test_no_token_is_sent(hub: Hub, entry: CatalogEntry, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_TOKEN", "hf_stale")
    read(hub.endpoint, entry)
    assert "authorization" not in {name.lower() for name in hub.headers[0]}


def test_the_rest_is_asked_for_from_where_one_is(hub: Hub, entry: CatalogEntry) -> None:
    assert read(hub.endpoint, entry, start=123_456) == hub.content[123_456:]
    assert hub.starts == [123_456]


def test_a_server_that_ignores_the_range_is_understood(hub: Hub, entry: CatalogEntry) -> None:
    hub.honours_range = False
    assert read(hub.endpoint, entry, start=123_456) == hub.content[123_456:]


def test_a_cut_connection_is_taken_up_again(hub: Hub, entry: CatalogEntry) -> None:
    hub.cuts = [60_000, 70_000]
    assert read(hub.endpoint, entry) == hub.content
    assert hub.starts == [0, 60_000, 130_000]


def test_a_hub_that_keeps_cutting_without_a_byte_is_given_up(hub: Hub, entry: CatalogEntry) -> None:
    hub.cuts = [60_000, *[0] * 10]
    with pytest.raises(SourceFailed, match="closed connection"):
        read(hub.endpoint, entry)
    assert hub.starts == [0, *[60_000] * 3]


@pytest.mark.parametrize("status", [401, 404, 503])
def test_a_refusal_names_its_status(hub: Hub, entry: CatalogEntry, status: int) -> None:
    hub.status = status
    with pytest.raises(SourceFailed, match=f"it answered HTTP {status}"):
        read(hub.endpoint, entry)


@pytest.mark.parametrize("honours_range", [True, False])
def test_a_file_of_another_size_is_refused_before_it_is_read(
    hub: Hub, entry: CatalogEntry, honours_range: bool
) -> None:
    hub.honours_range = honours_range
    with pytest.raises(SourceFailed, match="has 250,000 bytes instead of 250,001"):
        read(hub.endpoint, replace(entry, size_bytes=250_001))


def test_a_hub_that_is_not_there_fails_at_once(entry: CatalogEntry) -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        endpoint = f"http://127.0.0.1:{unused.getsockname()[1]}"
        with pytest.raises(SourceFailed, match="Connection refused"):
            read(endpoint, entry)


@pytest.fixture
def silent_endpoint() -> Iterator[str]:
    """A server that takes connections and says nothing."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield f"http://127.0.0.1:{server.getsockname()[1]}"


def test_a_hub_that_does_not_answer_is_given_up(
    silent_endpoint: str, entry: CatalogEntry, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hub_module, "_CONNECT_TIMEOUT_S", 0.3)
    monkeypatch.setattr(hub_module, "_STALL_TIMEOUT_S", 0.6)
    with pytest.raises(SourceFailed, match="no answer within"):
        read(silent_endpoint, entry)


def test_offline_mode_is_honoured(
    hub: Hub, entry: CatalogEntry, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Read from HF_HUB_OFFLINE when the library is imported.
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_OFFLINE", True)
    with pytest.raises(SourceFailed, match="offline mode is on"):
        read(hub.endpoint, entry)
    assert hub.headers == []


def test_a_proxy_that_cannot_be_used_is_a_failure_of_the_source(
    hub: Hub, entry: CatalogEntry, monkeypatch: pytest.MonkeyPatch
) -> None:
    huggingface_hub.close_session()
    monkeypatch.setenv("HTTP_PROXY", "nonsense://proxy")
    with pytest.raises(SourceFailed, match="nonsense"):
        read(hub.endpoint, entry)
