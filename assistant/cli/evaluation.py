"""`midwatch eval`: how good the answers to a folder of recorded cases are."""

from __future__ import annotations

import asyncio
from contextlib import aclosing
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from assistant.cli.context import Context, context_of
from assistant.cli.output import note, print_json, visible

if TYPE_CHECKING:
    from assistant.evaluation import Case, CaseResult


def evaluate(
    context: typer.Context,
    suite: Annotated[Path, typer.Argument(help="A folder of cases.", exists=True, file_okay=False)],
    only: Annotated[
        list[str] | None, typer.Option(help="Only the case of this name.", show_default=False)
    ] = None,
    save: Annotated[
        Path | None,
        typer.Option(help="Write each answer to a file in this folder.", show_default=False),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Answer recorded cases and count the answers that match what was expected."""
    from assistant.evaluation import as_rows, load_cases, summary

    cases = load_cases(suite, tuple(only or ()))
    results = asyncio.run(_run(cases, context_of(context), save))
    figures = summary(results)
    if as_json:
        print_json({**figures, "results": list(as_rows(results))})
    else:
        print(
            f"{figures['matched']} of {figures['judged']} matched, {figures['failed']} failed, "
            f"median {figures['median_total_s']} s, longest {figures['max_total_s']} s"
        )


async def _run(cases: list[Case], context: Context, save: Path | None) -> list[CaseResult]:
    from assistant.evaluation import evaluate as answer_cases

    results = []
    async with aclosing(answer_cases(cases, context.settings)) as answered:
        async for result in answered:
            note(_line(result))
            if save is not None:
                await asyncio.to_thread(_save, result, save)
            results.append(result)
    return results


def _line(result: CaseResult) -> str:
    word = {True: "match", False: "MISS", None: "read"}[result.is_match]
    trouble = result.error or ", ".join(f"/{pattern}/" for pattern in result.missing)
    return visible(
        f"{result.case.id:8} {word:5} {result.total_s:5.1f} s "
        f"(first word {result.ttft_s:.1f} s, {result.prompt_tokens} tokens) {trouble}"
    )


def _save(result: CaseResult, folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"{result.case.id}.md").write_text(result.answer or result.error, encoding="utf-8")
