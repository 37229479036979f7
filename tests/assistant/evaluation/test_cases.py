from __future__ import annotations

import pytest

from assistant.errors import MidwatchError
from assistant.evaluation.cases import CauseEvidence, load_cases
from tests.assistant.evaluation.suites import Suite


def test_cases_are_loaded_by_name(suite: Suite) -> None:
    suite.add("b", "expected: [prose]\nquick_regex:\n- pool|connections\n- 30 ?s\n")
    suite.add("a", "quick_regex:\n", log=None)
    suite.add("c", "")
    (suite.folder / "notes").mkdir()
    (suite.folder / "README.md").touch()
    first, second, third = load_cases(suite.folder)
    assert (first.id, first.patterns, first.bundle) == ("a", (), None)
    assert (second.id, second.patterns) == ("b", ("pool|connections", "30 ?s"))
    assert second.question == "Why is the pool exhausted?"
    assert second.bundle == suite.folder / "b" / "bundle"
    assert third.patterns == ()
    assert [case.id for case in load_cases(suite.folder, ("c", "a"))] == ["a", "c"]


def test_folder_without_cases_and_unknown_names_are_refused(suite: Suite) -> None:
    with pytest.raises(MidwatchError, match="holds no case at all"):
        load_cases(suite.folder)
    suite.add("a")
    with pytest.raises(MidwatchError, match="holds no case named zz") as caught:
        load_cases(suite.folder, ("a", "zz"))
    assert "question.txt" in caught.value.hint


@pytest.mark.parametrize(
    ("expected", "reason"),
    [
        ("quick_regex: [", "line 1, column 15"),
        ("quick_regex: pool", "valid tuple"),
        ("quick_regex: ['(']", "valid regular expression"),
        ("- pool", "dictionary"),
    ],
)
def test_expectation_that_cannot_be_used_is_refused_before_anything_runs(
    suite: Suite, expected: str, reason: str
) -> None:
    suite.add("a", expected)
    with pytest.raises(MidwatchError, match=reason) as caught:
        load_cases(suite.folder)
    assert str(suite.folder / "a" / "expected.yaml") in caught.value.message
    assert "\n" not in caught.value.message


def test_missing_expectation_is_refused(suite: Suite) -> None:
    suite.add("a")
    (suite.folder / "a" / "expected.yaml").unlink()
    with pytest.raises(MidwatchError, match="No such file"):
        load_cases(suite.folder)


def test_what_sharpens_the_judgement_is_read(suite: Suite) -> None:
    suite.add(
        "a",
        "kind: diagnosis\nexpected: The pool is full.\nquick_regex: [pool]\n"
        "forbidden_regex: [restart]\nrestart_would_fix: no\nbefore: What is wrong?\n"
        "cause_evidence:\n- {source: pay.log, regex: 'pool \\w+'}\n",
    )
    [case] = load_cases(suite.folder)
    assert (case.kind, case.expected, case.restart) == ("diagnosis", ("The pool is full.",), "no")
    assert case.forbidden == ("restart",)
    assert case.before == ("What is wrong?",)
    assert case.cause == (CauseEvidence(r"pool \w+", "pay.log"),)


@pytest.mark.parametrize(
    ("written", "label"), [("yes", "yes"), ("'no'", "no"), ("temporary", "temporary"), ("", "")]
)
def test_restart_label_is_read_however_it_is_written(
    suite: Suite, written: str, label: str
) -> None:
    suite.add("a", f"restart_would_fix: {written}\n")
    assert load_cases(suite.folder)[0].restart == label


def test_restart_labels_may_stand_beside_the_cases(suite: Suite) -> None:
    suite.add("a")
    suite.add("b", "restart_would_fix: yes\n")
    labels = suite.folder / "restart_labels.jsonl"
    labels.write_text('{"case": "a", "restart_would_fix": "no"}\n{"case": "b"}\n\n')
    assert [case.restart for case in load_cases(suite.folder)] == ["no", "yes"]
    labels.write_text("not json\n")
    with pytest.raises(MidwatchError, match=r"restart_labels\.jsonl cannot be used"):
        load_cases(suite.folder)


def test_cases_are_chosen_by_kind(suite: Suite) -> None:
    suite.add("a", "kind: lookup\n")
    suite.add("b", "kind: health\n")
    assert [case.id for case in load_cases(suite.folder, kinds=("health",))] == ["b"]
    with pytest.raises(MidwatchError, match="no case of kind follow-up") as caught:
        load_cases(suite.folder, kinds=("follow-up",))
    assert caught.value.hint == "its kinds: health, lookup"
