import pytest

from tools.logs.signs.upstream import Dependencies, learn_needs, service_of


@pytest.mark.parametrize(
    ("source", "service"),
    [
        ("nginx-access", "nginx"),
        ("logs/nginx-error.log", "nginx"),
        ("api.stderr", "api"),
        ("tax", "tax"),
        ("stock-sync.log.gz", "stock-sync"),
    ],
)
def test_the_service_of_a_source(source: str, service: str) -> None:
    assert service_of(source) == service


@pytest.mark.parametrize(
    "message",
    [
        "tax did not answer",
        "msg=no price reason='tax unavailable'",
        "cannot reach tax: timeout",
        "timeout while waiting for tax",
        "http://tax refused the connection",
        "tax: connection timed out",
        "request to tax failed",
    ],
)
def test_a_service_that_is_named_as_unreached_is_needed(message: str) -> None:
    assert learn_needs({"pricing": [message]}, ["pricing", "tax"]) == {"pricing": {"tax"}}


@pytest.mark.parametrize(
    "message",
    [
        "no price for basket 12",
        "GET /tax?q=1 HTTP/1.1 504",
        "tax rate 19% applied",
        "taxi did not answer",
        "cannot reach pre-tax: timeout",
        "GET /x?service=tax failed",
    ],
)
def test_a_word_is_no_need(message: str) -> None:
    assert learn_needs({"pricing": [message]}, ["pricing", "tax"]) == {}


def test_a_source_does_not_need_itself() -> None:
    problems = {"tax-error": ["tax did not answer"]}
    assert learn_needs(problems, ["tax-error", "tax-access"]) == {}


def test_needs_go_through_others() -> None:
    needs = Dependencies({"storefront": ["pricing"], "pricing": ["tax"]})
    assert needs.needs("storefront", "tax")
    assert needs.needs("storefront", "logs/tax-error.log")
    assert not needs.needs("tax", "storefront")
    assert not needs.needs("tax", "tax")


def test_services_that_need_each_other_explain_nothing() -> None:
    needs = Dependencies({"a": ["b"], "b": ["a"], "c": ["b"]})
    assert not needs.needs("a", "b")
    assert needs.needs("c", "b")
