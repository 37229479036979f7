import pytest

from assistant.coding.promql.labels import groups_in, joins_in, ranking_in

NOBODY_KNOWS: frozenset[str] = frozenset()


@pytest.mark.parametrize(
    ("text", "known", "groups"),
    [
        ("errors per job", NOBODY_KNOWS, ("job",)),
        ("errors by service and pod", NOBODY_KNOWS, ("service", "pod")),
        ("per environment, job and node", NOBODY_KNOWS, ("environment", "job", "node")),
        ("for each instance above 3", NOBODY_KNOWS, ("instance",)),
        ("per queue name above 3", frozenset(("name", "zone")), ("name",)),
        ("5xx per second by service over an hour", NOBODY_KNOWS, ("service",)),
        ("load per host", frozenset(("instance",)), ("instance",)),
        ("memory by pods", frozenset(("pod",)), ("pod",)),
        ("top 5 namespaces by memory", frozenset(("namespace",)), ("namespace",)),
        # No labels.
        ("time per request", NOBODY_KNOWS, ()),
        ("requests per second", NOBODY_KNOWS, ()),
        ("errors per job", frozenset(("pod",)), ()),
    ],
)
def test_labels_to_group_by(text: str, known: frozenset[str], groups: tuple[str, ...]) -> None:
    assert groups_in(text, known) == groups


def test_labels_to_match_on() -> None:
    assert joins_in("heap of memory, join on fqdn", NOBODY_KNOWS) == ("fqdn",)
    assert joins_in("only replicas, matched by instance and job", NOBODY_KNOWS) == (
        "instance",
        "job",
    )
    assert joins_in("only replicas", NOBODY_KNOWS) == ()


def test_rankings() -> None:
    assert ranking_in("top 5 namespaces") == "topk(5, "
    assert ranking_in("bottom 3 by free space") == "bottomk(3, "
    assert ranking_in("the top of the list") == ""
