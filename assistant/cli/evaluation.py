"""`midwatch eval`: how good the answers to a folder of recorded cases are."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from assistant.cli.context import Context, context_of
from assistant.cli.output import note, print_json, visible

if TYPE_CHECKING:
    from langchain_core.language_models import BaseChatModel

    from assistant.evaluation.cases import Case
    from assistant.evaluation.history import SavedRun
    from assistant.evaluation.run import CaseResult
    from assistant.evaluation.second_opinion import Opinion

_SELF = "self"


def evaluate(
    context: typer.Context,
    suite: Annotated[Path, typer.Argument(help="A folder of cases.", exists=True, file_okay=False)],
    only: Annotated[
        list[str] | None, typer.Option(help="Only the case of this name.", show_default=False)
    ] = None,
    kind: Annotated[
        list[str] | None, typer.Option(help="Only cases of this kind.", show_default=False)
    ] = None,
    jobs: Annotated[int, typer.Option("--jobs", "-j", min=1, help="How many at a time.")] = 1,
    save: Annotated[
        Path | None,
        typer.Option(help="Write each answer to a file in this folder.", show_default=False),
    ] = None,
    report: Annotated[
        Path | None,
        typer.Option(help="Write figures and transcripts to this HTML file.", show_default=False),
    ] = None,
    judge: Annotated[
        str,
        typer.Option(
            help="Let a model judge too: NAME@URL of an OpenAI-compatible server, or self.",
            show_default=False,
        ),
    ] = "",
    judge_key_env: Annotated[
        str, typer.Option(help="Environment variable with the judge's API key.", show_default=False)
    ] = "",
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Answer recorded cases, judge the answers, and compare them with those of the last run."""
    from assistant.evaluation.cases import load_cases
    from assistant.evaluation.figures import as_rows, changes, summary
    from assistant.evaluation.history import keep_run, last_run

    known = context_of(context)
    settings = known.settings
    cases = load_cases(suite, tuple(only or ()), tuple(kind or ()))
    chosen_judge = _Judge(judge, judge_key_env)
    chosen_judge.check()
    run = asyncio.run(_run(cases, known, jobs, save, chosen_judge))
    order = {case.id: place for place, case in enumerate(cases)}
    run.results.sort(key=lambda result: order[result.case.id])
    figures = {**summary(run.results), **run.judged()}
    rows = [{**row, **run.judged_row(row["id"])} for row in as_rows(run.results)]
    before = last_run(settings.data.dir, suite)
    is_whole = not only and not kind
    changed = changes(before.rows, rows) if before and is_whole else []
    # A run with failures says nothing of the answers: the one before stays the one to compare with.
    if is_whole and not figures["failed"]:
        keep_run(settings.data.dir, suite, settings.model.name, figures, rows)
    if report is not None:
        _write_report(report, f"{suite.name} on {settings.model.name}", figures, run, changed)
    if as_json:
        print_json({**figures, "changes": dict(changed), "results": rows})
    else:
        _print_figures(figures, before if is_whole else None, changed)


@dataclass(frozen=True, slots=True)
class _Judge:
    """Who gives the second opinion; nobody when `name` is empty."""

    name: str
    key_env: str

    def check(self) -> None:
        """Raise BadParameter when the judge cannot be asked: better now than after the answers."""
        name, _, url = self.name.partition("@")
        if self.name not in ("", _SELF) and not (name and url):
            raise typer.BadParameter("--judge is NAME@URL, or self")
        if self.key_env and not os.environ.get(self.key_env):
            raise typer.BadParameter(f"--judge-key-env names ${self.key_env}, which is not set")

    @asynccontextmanager
    async def opened(self, context: Context) -> AsyncIterator[BaseChatModel | None]:
        """The judge's model, if one is wanted."""
        if not self.name:
            yield None
            return
        model = await self._open(context)
        try:
            yield model
        finally:
            await model.aclose()

    async def _open(self, context: Context) -> Any:
        from assistant.chat.remote import open_remote_model
        from assistant.local import load_model
        from assistant.redacting import open_redactor

        if self.name == _SELF:
            return await load_model(context.settings)
        name, _, url = self.name.partition("@")
        told = {"provider": "openai", "name": name, "base_url": url, "api_key_env": self.key_env}
        redact = open_redactor(context.settings).redact
        return open_remote_model(context.settings.model.model_copy(update=told), redact)


@dataclass(slots=True)
class _Run:
    """What a run brought so far."""

    results: list[CaseResult] = field(default_factory=list)
    opinions: dict[str, Opinion] = field(default_factory=dict)

    def judged(self) -> dict[str, Any]:
        """The judge's figures; none without a judge."""
        verdicts = [opinion.is_correct for opinion in self.opinions.values()]
        if not verdicts:
            return {}
        return {"judge_right": verdicts.count(True), "judge_asked": len(verdicts)}

    def judged_row(self, case: str) -> dict[str, Any]:
        """The judge's verdict on one case."""
        opinion = self.opinions.get(case)
        return {"judge": opinion.is_correct, "judge_reason": opinion.reason} if opinion else {}


async def _run(
    cases: list[Case], context: Context, jobs: int, save: Path | None, judge: _Judge
) -> _Run:
    from assistant.evaluation.run import evaluate as answer_cases

    run = _Run()
    async with aclosing(answer_cases(cases, context.settings, jobs=jobs)) as answered:
        async for result in answered:
            note(_line(result))
            if save is not None:
                await asyncio.to_thread(_save, result, save)
            run.results.append(result)
    # Only now: the judge may be the model that just answered, and memory may hold it once.
    async with judge.opened(context) as model:
        if model is not None:
            await _ask_judge(model, run)
    return run


async def _ask_judge(model: BaseChatModel, run: _Run) -> None:
    from assistant.evaluation.second_opinion import ask_judge

    for result in run.results:
        opinion = await ask_judge(model, result)
        if opinion is not None:
            run.opinions[result.case.id] = opinion
            note(f"{result.case.id:24} judge: {opinion.is_correct}: {opinion.reason}")


def _line(result: CaseResult) -> str:
    word = {True: "match", False: "MISS", None: "read"}[result.is_match]
    trouble = [result.error] if result.error else [f"/{pattern}/" for pattern in result.missing]
    trouble += [f"must not match /{pattern}/" for pattern in result.forbidden]
    if result.is_false_restart:
        trouble.append("a restart would not mend it")
    usage = result.usage
    return visible(
        f"{result.case.id:24} {word:5} {usage.total_s:5.1f} s "
        f"(first word {usage.ttft_s:.1f} s, {usage.prompt_tokens} tokens) {', '.join(trouble)}"
    )


def _save(result: CaseResult, folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"{result.case.id}.md").write_text(result.answer or result.error, encoding="utf-8")


def _write_report(
    file: Path,
    title: str,
    figures: Mapping[str, Any],
    run: _Run,
    changed: Sequence[tuple[str, str]],
) -> None:
    from assistant.evaluation.page import render_page

    page = render_page(title, figures, run.results, run.opinions, changed)
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(page, encoding="utf-8")
    note(f"wrote {file}")


def _print_figures(
    figures: Mapping[str, Any], before: SavedRun | None, changed: Sequence[tuple[str, str]]
) -> None:
    print(
        f"{figures['matched']} of {figures['judged']} matched "
        f"({_percent(figures['said_itself'])} in the answer's own words), "
        f"{figures['failed']} failed, "
        f"median {figures['median_total_s']} s, p95 {figures['p95_total_s']} s, "
        f"longest {figures['max_total_s']} s"
    )
    if len(figures["by_kind"]) > 1:
        kinds = figures["by_kind"].items()
        print(
            "by kind: "
            + ", ".join(f"{kind or '-'} {n['matched']}/{n['judged']}" for kind, n in kinds)
        )
    print(
        f"restarts recommended in vain: {_percent(figures['false_restart_rate'])}; "
        f"citations verbatim: {_percent(figures['citation_validity'])}"
    )
    print(
        f"cause in the evidence: {_percent(figures['cause_in_ledger'])}, among its first three: "
        f"{_percent(figures['cause_in_top_3'])}, cited: {_percent(figures['cause_cited'])}"
    )
    if "judge_asked" in figures:
        print(f"judge: {figures['judge_right']} of {figures['judge_asked']} right")
    if before is not None:
        when = f"{before.finished_at_utc:%Y-%m-%d %H:%M} UTC, {before.model}"
        told = ", ".join(f"{name} {change}" for name, change in changed) or "no case changed"
        print(visible(f"since {when}: {told}"))


def _percent(share: float | None) -> str:
    return "-" if share is None else f"{share:.0%}"
