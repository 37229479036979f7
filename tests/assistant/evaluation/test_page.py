from __future__ import annotations

from pathlib import Path

from bs4 import BeautifulSoup

from assistant.evaluation.cases import Case
from assistant.evaluation.figures import summary
from assistant.evaluation.judging import CauseRanks
from assistant.evaluation.page import render_page
from assistant.evaluation.run import CaseResult
from assistant.evaluation.second_opinion import Opinion
from assistant.events import Citation, TurnUsage

HOSTILE = "<script>alert(1)</script>"
CASE = Case("pool", Path(), f"Why? {HOSTILE}", ("pool",), "diagnosis", expected=("Pool is full.",))


def test_the_page_has_figures_judgements_and_transcripts() -> None:
    good = CaseResult(
        CASE,
        f"The pool is full. {HOSTILE}",
        cause=CauseRanks(2, True),
        evidence=(Citation("L1", "log", "pay.log", 3, f"ERROR {HOSTILE}"),),
        usage=TurnUsage("m", total_s=4.25, model_calls=2),
    )
    bad = CaseResult(Case("z", Path(), "What?", ("x",), "health"), "", ("x",), error="no model")
    results = [good, bad]
    opinions = {"pool": Opinion(True, "says it")}
    text = render_page("suite on m", summary(results), results, opinions, [("z", "broken")])
    page = BeautifulSoup(text, "lxml")
    assert page.find("script") is None
    told = page.get_text(" ", strip=True)
    for words in (
        "suite on m",
        "Pool is full.",
        "place 2 of the evidence , cited",
        "[L1] pay.log:3: ERROR <script>",
        "Judge: right. says it",
        "2 model calls",
        "Failed: no model",
        "z: broken",
        "1 of 1",
    ):
        assert words in told.replace("evidence, cited", "evidence , cited")
    first, second = page.find_all("details")
    assert not first.has_attr("open")
    assert second.has_attr("open")


def test_the_page_fetches_nothing() -> None:
    text = render_page("t", summary([]), [], {}, [])
    page = BeautifulSoup(text, "lxml")
    assert page.find(["script", "link", "img", "iframe"]) is None
    assert "http:" not in text
    assert "https:" not in text
