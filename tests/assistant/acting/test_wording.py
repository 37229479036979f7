import pytest

from assistant.acting.wording import effect_of, needed_by, undo_of
from tools.services.control import ServiceAction, Verb

NEEDS = {"checkout": ("payments", "postgres"), "cart": ("postgres",)}


@pytest.mark.parametrize(
    ("service", "told"),
    [
        ("postgres", "; needed by cart, checkout"),
        ("db:postgres", "; needed by cart, checkout"),
        ("postgres.service", "; needed by cart, checkout"),
        ("shop/deployment/payments", "; needed by checkout"),
        ("checkout", ""),
        ("postgres-exporter", ""),
    ],
)
def test_who_needs_a_service_is_told(service: str, told: str) -> None:
    assert needed_by(service, NEEDS) == told


@pytest.mark.parametrize("verb", ["restart", "start", "stop", "scale", "delete"])
def test_each_verb_says_what_it_does_and_what_undoes_it(verb: Verb) -> None:
    action = ServiceAction(
        verb, "kubernetes", "shop/deployment/web", 3 if verb == "scale" else None
    )
    assert effect_of(action)
    assert undo_of(action)


def test_scaling_tells_the_number_there_is_now() -> None:
    action = ServiceAction("scale", "kubernetes", "shop/deployment/web", 3)
    assert effect_of(action, 2) == "changes the number of its replicas from 2 to 3"
    assert undo_of(action, 2) == "scale it back to 2"
