from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from tools.services.kube.workloads import Selector, Workload


@pytest.mark.parametrize(
    ("described", "text"),
    [
        ({}, ""),
        ({"matchLabels": {"app": "web", "tier": ""}}, "app=web,tier="),
        (
            {
                "matchLabels": {"app": "web"},
                "matchExpressions": [
                    {"key": "tier", "operator": "In", "values": ["a", "b"]},
                    {"key": "tier", "operator": "NotIn", "values": ["c"]},
                    {"key": "new", "operator": "Exists"},
                    {"key": "old", "operator": "DoesNotExist", "values": None},
                ],
            },
            "app=web,tier in (a,b),tier notin (c),new,!old",
        ),
    ],
)
def test_a_selector_reads_as_lists_take_it(described: dict[str, Any], text: str) -> None:
    assert str(Selector.model_validate(described)) == text


@pytest.mark.parametrize(
    "metadata",
    [
        {},
        {"name": "web", "namespace": "shop"},
        {"name": "web", "namespace": "shop", "resourceVersion": ""},
        {"name": "web/x", "namespace": "shop", "resourceVersion": "1"},
        {"name": "web", "namespace": "..", "resourceVersion": "1"},
    ],
)
def test_a_workload_without_name_or_version_is_none(metadata: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        Workload.model_validate({"metadata": metadata})
