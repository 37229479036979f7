import base64
import gzip
import time
import tracemalloc
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.tools.metrics.prometheus_server import free_port
from tests.tools.metrics.strange_server import Asked, Reply, serving
from tools.errors import BackendUnavailable, InvalidQuery, SourceUnreadable, ToolsError
from tools.metrics.backend import Deadline
from tools.metrics.http_api import Access, Answer, ApiMissing, HttpApi

_GOOD = b'{"status": "success", "data": 7}'


@contextmanager
def _api(access: Access, max_body_bytes: int = 1 << 20) -> Iterator[HttpApi]:
    api = HttpApi(access, max_body_bytes=max_body_bytes)
    try:
        yield api
    finally:
        api.close()


def _ask(reply: Reply, timeout_s: float = 20.0, max_body_bytes: int = 1 << 20) -> Answer:
    with serving(reply) as (url, _), _api(Access(url), max_body_bytes) as api:
        return api.ask("query", {"query": "up"}, Deadline.after(timeout_s))


def _error(reply: Reply, **limits: float) -> ToolsError:
    with pytest.raises(ToolsError) as raised:
        _ask(reply, timeout_s=limits.get("timeout_s", 20.0))
    return raised.value


def _asked(access: Access, query: str = "up") -> Asked:
    with serving(Reply(_GOOD)) as (url, asked):
        parts = Access(
            access.url.replace("http://host", url).replace("http://me:word@host", _with(url)),
            access.token,
            access.user,
            access.password,
            access.ca_file,
            access.tenant,
        )
        with _api(parts) as api:
            api.ask("query", {"query": query}, Deadline.after(20))
        return asked[0]


def _with(url: str) -> str:
    return url.replace("http://", "http://me:word@")


def test_an_answer_with_its_warnings() -> None:
    answer = _ask(Reply(b'{"status": "success", "data": [1], "warnings": ["half of it"]}'))
    assert answer == Answer([1], ("half of it",))


@pytest.mark.parametrize(
    ("encoding", "body"), [("gzip", gzip.compress(_GOOD)), ("deflate", zlib.compress(_GOOD))]
)
def test_packed_answers(encoding: str, body: bytes) -> None:
    assert _ask(Reply(body, headers={"Content-Encoding": encoding})).data == 7


@pytest.mark.parametrize(
    ("reply", "kind", "words"),
    [
        (Reply(b"<html>Login</html>", kind="text/html"), BackendUnavailable, "answers text/html"),
        (Reply(b"[1, 2]"), BackendUnavailable, "no API"),
        (Reply(b""), BackendUnavailable, "no API"),
        (Reply(b"[" * 100_000), BackendUnavailable, "no API"),
        (Reply(b'{"status": "success", "data": ' + b"9" * 5000 + b"}"), BackendUnavailable, ""),
        (Reply(b"oops", 500), BackendUnavailable, "status 500"),
        (Reply(b"<html/>", 401), BackendUnavailable, "does not let us in (401)"),
        (Reply(b"{}", 403), BackendUnavailable, "does not let us in (403)"),
        (Reply(b"404 page not found", 404, "text/plain"), ApiMissing, "no such Prometheus API"),
        (
            Reply(b'{"status": "error", "errorType": "bad_data", "error": "1:1: x"}', 400),
            InvalidQuery,
            "refuses the query: 1:1: x",
        ),
        (
            Reply(b'{"status": "error", "errorType": "timeout", "error": "took long"}', 503),
            BackendUnavailable,
            "gave up on the query: took long",
        ),
        (
            Reply(b'{"status": "error", "errorType": "internal", "error": "disk"}', 500),
            BackendUnavailable,
            "failed (500): disk",
        ),
        (
            Reply(b"", 302, headers={"Location": "https://login.example/x"}),
            BackendUnavailable,
            "sends elsewhere: https://login.example/x",
        ),
        (
            Reply(b"not packed", headers={"Content-Encoding": "gzip"}),
            BackendUnavailable,
            "not what it says it is",
        ),
        (Reply(_GOOD, headers={"Content-Encoding": "br"}), BackendUnavailable, "packs answers"),
    ],
)
def test_what_goes_wrong_is_said(reply: Reply, kind: type[ToolsError], words: str) -> None:
    error = _error(reply)
    assert type(error) is kind
    assert words in error.message


def test_an_answer_has_a_largest_size() -> None:
    with pytest.raises(BackendUnavailable, match="larger than 1 MiB"):
        _ask(Reply(b"x" * (2 << 20)))


def test_a_packed_answer_has_the_same_largest_size() -> None:
    bomb = gzip.compress(b"0" * (64 << 20))
    assert len(bomb) < 1 << 20
    tracemalloc.start()
    try:
        with pytest.raises(BackendUnavailable, match="larger than 1 MiB"):
            _ask(Reply(bomb, headers={"Content-Encoding": "gzip"}))
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    # It is not unpacked first and measured then.
    assert peak < 16 << 20


@pytest.mark.parametrize("drip_s", [30.0, 0.05])
def test_a_slow_answer_ends_at_the_deadline(drip_s: float) -> None:
    """A silent server, and one that sends a byte now and then for a minute."""
    started = time.monotonic()
    error = _error(Reply(_GOOD + b" " * 1200, drip_s=drip_s), timeout_s=0.5)
    assert "gave no answer within 0.5 s" in error.message
    assert time.monotonic() - started < 25


def test_nothing_is_asked_after_the_deadline() -> None:
    with serving(Reply(_GOOD)) as (url, asked), _api(Access(url)) as api:
        with pytest.raises(BackendUnavailable):
            api.ask("query", {}, Deadline.after(0))
        assert asked == []


def test_nobody_listens() -> None:
    unreachable = pytest.raises(BackendUnavailable, match="cannot be reached")
    with _api(Access(f"http://127.0.0.1:{free_port()}")) as api, unreachable:
        api.ask("query", {}, Deadline.after(20))


def test_a_token_and_a_tenant_are_sent() -> None:
    asked = _asked(Access("http://host", token="s3cret", tenant="team-a"))
    assert asked.headers["Authorization"] == "Bearer s3cret"
    assert asked.headers["X-Scope-OrgID"] == "team-a"


@pytest.mark.parametrize(
    "access",
    [Access("http://host", user="me", password="word"), Access("http://me:word@host")],
)
def test_a_user_and_password_are_sent(access: Access) -> None:
    expected = "Basic " + base64.b64encode(b"me:word").decode()
    assert _asked(access).headers["Authorization"] == expected


@pytest.mark.parametrize(
    ("url", "path"),
    [
        ("http://host", "/api/v1/query"),
        ("http://host/", "/api/v1/query"),
        ("http://host/prometheus/", "/prometheus/api/v1/query"),
        ("http://host/api/v1", "/api/v1/query"),
    ],
)
def test_the_address_may_have_a_path(url: str, path: str) -> None:
    assert _asked(Access(url)).path == path


def test_a_long_query_is_posted() -> None:
    assert _asked(Access("http://host")).method == "GET"
    asked = _asked(Access("http://host"), "a + " * 1000 + "a")
    assert (asked.method, len(asked.parameters["query"])) == ("POST", 4001)


@pytest.mark.parametrize(
    "url", ["", "localhost:9090", "ftp://host", "http://", "http://h:x", "http://[::1"]
)
def test_what_is_no_address(url: str) -> None:
    with pytest.raises(InvalidQuery, match="not the address"):
        HttpApi(Access(url))


def test_a_secret_is_never_shown() -> None:
    access = Access("http://me:word@host:9090/x", token="s3cret", password="hidden")
    shown = f"{access} {access!r}"
    assert str(access) == "http://host:9090/x"
    assert "s3cret" not in shown
    assert "hidden" not in shown
    assert "word" not in shown.replace("password", "")


def test_bad_certificates(tmp_path: Path) -> None:
    (tmp_path / "ca.pem").write_text("nonsense")
    for name in ("ca.pem", "missing.pem"):
        with pytest.raises(SourceUnreadable, match="certificates"):
            HttpApi(Access("https://host", ca_file=tmp_path / name))
