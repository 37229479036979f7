from __future__ import annotations

from pathlib import Path

from assistant.evaluation.history import keep_run, last_run


def test_the_last_run_of_each_suite_is_kept(tmp_path: Path) -> None:
    one, two = tmp_path / "one", tmp_path / "two"
    assert last_run(tmp_path, one) is None
    keep_run(tmp_path, one, "m1", {"matched": 1}, [{"id": "a", "is_match": True}])
    keep_run(tmp_path, one, "m2", {"matched": 0}, [{"id": "a", "is_match": False}])
    kept = last_run(tmp_path, one)
    assert kept is not None
    assert (kept.model, kept.figures, kept.rows[0]["is_match"]) == ("m2", {"matched": 0}, False)
    assert last_run(tmp_path, two) is None


def test_a_damaged_run_counts_as_none(tmp_path: Path) -> None:
    keep_run(tmp_path, tmp_path, "m", {}, [])
    [file] = (tmp_path / "evaluations").iterdir()
    for text in ("", "[]", "{}", '{"finished_at_utc": 1}'):
        file.write_text(text)
        assert last_run(tmp_path, tmp_path) is None
