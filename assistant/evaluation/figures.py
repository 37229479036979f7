"""The figures of a whole run, and how they differ from those of another."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from assistant.evaluation.run import CaseResult

_TOP = 3


def summary(results: Sequence[CaseResult]) -> dict[str, Any]:
    """Accuracy (by kind, too), restarts, citations, where the cause stood, seconds and tokens.

    Shares are from 0.0 to 1.0, and None where there was nothing to judge. Times are of answers; an
    answer that failed has none.
    """
    answered = [result for result in results if not result.error]
    times = [result.usage.total_s for result in answered]
    firsts = [result.usage.ttft_s for result in answered]
    judged = [result for result in results if result.is_match is not None]
    return {
        "cases": len(results),
        "judged": len(judged),
        "matched": sum(bool(result.is_match) for result in judged),
        "failed": len(results) - len(answered),
        "accuracy": _share(result.is_match for result in judged),
        # A quotation below the answer matches as well as the answer itself; this is stricter.
        "said_itself": _share(bool(r.is_match) and not r.unsaid for r in judged),
        "by_kind": _by_kind(judged),
        "false_restarts": sum(result.is_false_restart for result in answered),
        "false_restart_rate": _share(
            result.is_false_restart for result in answered if result.case.restart
        ),
        "cited": sum(len(result.citations) for result in answered),
        "citation_validity": _share(
            item.id not in result.invalid_citations
            for result in answered
            for item in result.citations
        ),
        **_causes(answered),
        "median_total_s": percentile(times, 0.5),
        "p95_total_s": percentile(times, 0.95),
        "max_total_s": percentile(times, 1.0),
        "median_ttft_s": percentile(firsts, 0.5),
        "median_model_calls": percentile([float(r.usage.model_calls) for r in answered], 0.5),
        "prompt_tokens": sum(result.usage.prompt_tokens for result in answered),
        "cached_tokens": sum(result.usage.cached_tokens for result in answered),
        "completion_tokens": sum(result.usage.completion_tokens for result in answered),
    }


def percentile(values: Sequence[float], share: float) -> float:
    """The smallest of `values` that at least `share` of them do not exceed; 0.0 for none."""
    if not values:
        return 0.0
    ordered = sorted(values)
    place = max(0, -(-len(ordered) * share // 1) - 1)
    return round(ordered[int(place)], 2)


def as_rows(results: Iterable[CaseResult]) -> Iterator[dict[str, Any]]:
    """Each result as a plain object."""
    for result in results:
        usage, cause = result.usage, result.cause
        yield {
            "id": result.case.id,
            "kind": result.case.kind,
            "is_match": result.is_match,
            "missing": list(result.missing),
            "unsaid": list(result.unsaid),
            "forbidden": list(result.forbidden),
            "error": result.error,
            "recommends_restart": result.recommends_restart,
            "restart_would_fix": result.case.restart,
            "invalid_citations": list(result.invalid_citations),
            "cause_rank": cause.rank if cause else None,
            "cause_cited": cause.is_cited if cause else None,
            "ttft_s": round(usage.ttft_s, 2),
            "total_s": round(usage.total_s, 2),
            "model_calls": usage.model_calls,
            "prompt_tokens": usage.prompt_tokens,
            "cached_tokens": usage.cached_tokens,
            "completion_tokens": usage.completion_tokens,
            "answer": result.answer,
        }


def changes(
    before: Sequence[Mapping[str, Any]], after: Sequence[Mapping[str, Any]]
) -> list[tuple[str, str]]:
    """The cases whose judgement differs: (id, `mended`, `broken`, `new` or `gone`), by id."""
    earlier = {str(row["id"]): row.get("is_match") for row in before}
    later = {str(row["id"]): row.get("is_match") for row in after}
    found: list[tuple[str, str]] = []
    for name in sorted({*earlier, *later}):
        if name not in later:
            found.append((name, "gone"))
        elif name not in earlier:
            found.append((name, "new"))
        elif bool(earlier[name]) != bool(later[name]):
            found.append((name, "mended" if later[name] else "broken"))
    return found


def _share(verdicts: Iterable[bool | None]) -> float | None:
    known = [bool(verdict) for verdict in verdicts]
    return round(sum(known) / len(known), 4) if known else None


def _by_kind(judged: Sequence[CaseResult]) -> dict[str, dict[str, int]]:
    kinds = sorted({result.case.kind for result in judged})
    return {
        kind: {
            "judged": sum(result.case.kind == kind for result in judged),
            "matched": sum(bool(r.is_match) for r in judged if r.case.kind == kind),
        }
        for kind in kinds
    }


def _causes(answered: Sequence[CaseResult]) -> dict[str, Any]:
    """Where the cause stood among what was found: what the model could have known."""
    known = [result.cause for result in answered if result.cause is not None]
    return {
        "cause_in_ledger": _share(cause.rank > 0 for cause in known),
        "cause_in_top_3": _share(0 < cause.rank <= _TOP for cause in known),
        "cause_cited": _share(cause.is_cited for cause in known),
    }
