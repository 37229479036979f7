import pytest

from tools.captures.links import Explanations, implied_words


@pytest.mark.parametrize(
    ("symptom", "setting"),
    [
        ("2 node(s) didn't match Pod's node affinity/selector", "Node-Selectors:   disk=fast"),
        ("1 node(s) had untolerated taint {gpu: true}", "Tolerations:   <some>"),
        ("0/3 nodes are available: 3 Insufficient memory.", "    Requests:"),
        ("CPU is throttled by 98 %", "      limits:"),
        ("Reason: OOMKilled", "    Limits:"),
        ("Failed to pull image", "    Image:   web:2"),
        ("Readiness probe failed: HTTP 503", "    Readiness:   http-get http://:80/"),
        ("pod has unbound immediate PersistentVolumeClaims", "  storageClassName: fast"),
        ("no ready pod is behind cart", "Selector:   app=cart"),
        ('User "x" cannot list resource "pods"', "Service Account:  report"),
    ],
)
def test_symptoms_point_at_settings(symptom: str, setting: str) -> None:
    assert Explanations([symptom]).note(setting)
    assert not Explanations(["all is well"]).note(setting)


def test_a_symptom_does_not_point_at_every_setting() -> None:
    explanations = Explanations(["Reason: OOMKilled"])
    assert explanations
    assert not explanations.note("Image:  web:2")
    assert not Explanations([])


@pytest.mark.parametrize(
    ("question", "words"),
    [
        ("what happened on June 12?", ["-06-12"]),
        ("what happened on the 3rd Jan?", ["-01-03"]),
        ("what is wrong?", []),
    ],
)
def test_days_in_other_words(question: str, words: list[str]) -> None:
    assert implied_words(question) == words


def test_a_change_in_other_words() -> None:
    assert "rollout" in implied_words("what changed before the outage?")
