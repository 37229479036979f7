import pytest

from tools.metrics.names import close_names, fit, fitting_names, spaced, words_of

_NAMES = ["http_requests_total", "http_errors_total", "db_pool_in_use", "db_pool_size", "up"]


def test_words_of_any_spelling() -> None:
    assert words_of("httpRequests_total MemFree95") == {
        "http",
        "requests",
        "total",
        "mem",
        "free",
        "95",
    }
    assert spaced("node_memory_MemFree_bytes") == "node memory mem free bytes"


@pytest.mark.parametrize(
    ("wrong", "close"),
    [
        ("http_request_total", "http_requests_total"),
        ("pool", "db_pool_size"),
        ("errors_http", "http_errors_total"),
    ],
)
def test_what_somebody_may_have_meant(wrong: str, close: str) -> None:
    assert close_names(wrong, _NAMES)[0] == close


def test_nothing_is_close_to_nonsense() -> None:
    assert close_names("zzzz", _NAMES) == []


def test_names_and_descriptions_are_searched() -> None:
    assert fitting_names("pool usage", _NAMES, {}) == ["db_pool_size", "db_pool_in_use"]
    assert fitting_names("alive request", _NAMES, {"up": "whether it is alive"}) == [
        "http_requests_total"
    ]
    assert fit(["alive"], "whether it is alive") == 1
