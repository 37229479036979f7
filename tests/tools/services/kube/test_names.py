from __future__ import annotations

import pytest

from tools.errors import UnknownService
from tools.services.kube.names import DEPLOYMENT, POD, ServiceName, is_object_name


@pytest.mark.parametrize(
    ("text", "path"),
    [
        ("shop/deployment/web", "/apis/apps/v1/namespaces/shop/deployments/web"),
        ("shop/statefulset/db.v1", "/apis/apps/v1/namespaces/shop/statefulsets/db.v1"),
        ("a-1/daemonset/0", "/apis/apps/v1/namespaces/a-1/daemonsets/0"),
        ("shop/pod/web-7f9f-x", "/api/v1/namespaces/shop/pods/web-7f9f-x"),
    ],
)
def test_a_name_says_where_its_object_is(text: str, path: str) -> None:
    name = ServiceName.parse(text)
    assert (str(name), name.path) == (text, path)


def test_a_kind_is_called_as_permissions_call_it() -> None:
    assert (DEPLOYMENT.resource, POD.resource) == ("deployments.apps", "pods")


@pytest.mark.parametrize(
    ("text", "is_name"),
    [
        ("web", True),
        ("a" * 253, True),
        ("a" * 254, False),
        ("a.b-c.d", True),
        ("", False),
        ("a.", False),
        ("a..b", False),
        ("a.-b", False),
        ("a\n", False),
        ("٣", False),
    ],
)
def test_the_rule_for_names(text: str, is_name: bool) -> None:
    assert is_object_name(text) is is_name


def test_the_longest_namespace_is_63_characters() -> None:
    assert ServiceName.parse(f"{'a' * 63}/pod/x").namespace == "a" * 63
    with pytest.raises(UnknownService):
        ServiceName.parse(f"{'a' * 64}/pod/x")


def test_what_is_shown_of_a_name_is_harmless() -> None:
    with pytest.raises(UnknownService) as caught:
        ServiceName.parse("shop/pod/\x1b[2J" + "x" * 500)
    assert "\x1b" not in caught.value.message
    assert len(caught.value.message) < 200
