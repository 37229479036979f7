"""The report of a run as one HTML page: figures, cases, and the transcripts behind them.

The page needs nothing else: no script, no style sheet and no picture from anywhere.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from importlib.resources import files
from typing import Any

from jinja2 import Environment, StrictUndefined

from assistant.evaluation.run import CaseResult
from assistant.evaluation.second_opinion import Opinion

_TEMPLATE = "page.html"
_MAX_EVIDENCE = 20


def render_page(
    title: str,
    figures: Mapping[str, Any],
    results: Sequence[CaseResult],
    opinions: Mapping[str, Opinion],
    changes: Sequence[tuple[str, str]],
) -> str:
    """The page. `opinions` are a judge's by case id, `changes` those since the run before."""
    environment = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True)
    template = environment.from_string(files(__package__).joinpath(_TEMPLATE).read_text("utf-8"))
    return template.render(
        title=title,
        figures=figures,
        results=results,
        opinions=opinions,
        changes=changes,
        max_evidence=_MAX_EVIDENCE,
    )
