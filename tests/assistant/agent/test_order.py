import pytest

from assistant.agent.order import Target, meant, read_order

KNOWN = (
    Target("supervisor", "checkout"),
    Target("supervisor", "payments-worker"),
    Target("supervisor", "shop:api"),
    Target("systemd", "nginx.service"),
    Target("kubernetes", "shop/deployment/web"),
    Target("kubernetes", "test/deployment/web"),
)


@pytest.mark.parametrize(
    ("text", "verb", "service"),
    [
        ("restart checkout", "restart", "checkout"),
        ("Please restart the checkout service.", "restart", "checkout"),
        ("could you restart payments-worker?", "restart", "payments-worker"),
        ("bounce the payments worker please", "restart", "payments-worker"),
        ("Checkout is stuck. Restart it now, I mean checkout", "restart", ""),
        ("The queue is full. Restart checkout, please", "restart", "checkout"),
        ("@midwatch restart nginx", "restart", "nginx.service"),
        ("restart nginx.service now", "restart", "nginx.service"),
        ("start shop:api", "start", "shop:api"),
        ("stop the api", "stop", "shop:api"),
        ("shut down checkout", "stop", "checkout"),
        ("restart shop/deployment/web", "restart", "shop/deployment/web"),
        ("restart web in namespace shop", "restart", "shop/deployment/web"),
        ("scale shop/deployment/web to 4", "scale", "shop/deployment/web"),
        ("ok, go ahead and restart checkout", "restart", "checkout"),
    ],
)
def test_an_order_is_read(text: str, verb: str, service: str) -> None:
    order = read_order(text, KNOWN)
    assert order is not None
    assert order.verb == verb
    assert [target.service for target in order.targets] == ([service] if service else [])


@pytest.mark.parametrize(
    "text",
    [
        "Why does checkout restart?",
        "Why did somebody restart checkout?",
        "Should I restart checkout?",
        "How do I restart checkout?",
        "did you restart checkout?",
        "Don't restart checkout",
        "Do not stop checkout and restart nginx",
        "Restart loops in checkout since noon, why?",
        "restart counts of checkout?",
        "checkout keeps restarting, what is wrong?",
        "Start with the logs of the database and tell me what you see",
        "stop guessing",
        "delete requests fail, why?",
        "The runbook says: you may restart checkout when it hangs",
        "We restarted checkout and it is still slow",
        "Scale is a problem for us in all of these regions, what would help here?",
        "",
    ],
)
def test_a_question_gives_no_order(text: str) -> None:
    assert read_order(text, KNOWN) is None


def test_the_number_of_replicas_is_read() -> None:
    order = read_order("please scale web in shop to 5 replicas", KNOWN)
    assert order is not None
    assert order.replicas == 5


def test_several_services_of_that_name_are_all_named() -> None:
    order = read_order("restart web", KNOWN)
    assert order is not None
    assert [target.service for target in order.targets] == [
        "shop/deployment/web",
        "test/deployment/web",
    ]


def test_an_unknown_service_is_an_order_that_cannot_be_followed() -> None:
    order = read_order("restart biling", KNOWN)
    assert order is not None
    assert not order.targets
    assert order.words == "biling"


def test_a_pronoun_names_nothing() -> None:
    order = read_order("restart it", KNOWN)
    assert order is not None
    assert order.is_pronoun
    assert not order.targets


@pytest.mark.parametrize("words", ["сheckout", "check\u200bout", "checkout\u0301", "ｃheckout"])  # noqa: RUF001
def test_what_only_looks_like_a_name_is_none(words: str) -> None:
    assert meant(words, KNOWN) == ()
