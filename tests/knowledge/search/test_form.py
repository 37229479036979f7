from __future__ import annotations

import pytest

from knowledge.search.form import runbook_form


@pytest.mark.parametrize(
    ("headings", "form"),
    [
        ([], 0.0),
        (["RedisDown"], 0.0),
        (["RedisDown > Meaning"], 1 / 3),
        (["RedisDown > Meaning", "RedisDown > Summary", "RedisDown > Meaning"], 1 / 3),
        (["A > Symptoms", "A > Troubleshooting"], 2 / 3),
        (["A > Meaning", "A > Impact", "A > Diagnosis", "A > Mitigation"], 1.0),
        (["A > 1. IMPACT", "A > How to investigate", "A > What to do"], 1.0),
        (["Impact > Install", "Diagnosis > Configure", "Resolution > Options"], 0.0),
        (["Guide > Because", "Guide > Contributing"], 0.0),
    ],
)
def test_a_document_with_a_runbooks_sections_has_its_form(headings: list[str], form: float) -> None:
    assert runbook_form(headings) == pytest.approx(form)
