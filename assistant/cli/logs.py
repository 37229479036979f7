"""`midwatch logs`: what stands out in logs. No model is involved."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from assistant.cli.context import context_of
from assistant.cli.live_logs import ORIGINS, LiveLogs, live_logs, switched_on
from assistant.cli.output import print_json, visible, working
from assistant.cli.stdin import spooled_stdin

if TYPE_CHECKING:
    from assistant.settings import Settings
    from tools.errors import SourceNotFound
    from tools.logs.report import LogFinding, LogReport, SourceSummary
    from tools.scope import LogSource
    from tools.window import Window

_STDIN = "-"


def logs(
    context: typer.Context,
    sources: Annotated[
        list[str],
        typer.Argument(
            help="Log files, names from [logs.sources], journal, docker or kubernetes, "
            "or - for a pipe."
        ),
    ],
    since: Annotated[
        str, typer.Option(help="Look back this far, as 30m or 2h.", show_default=False)
    ] = "",
    baseline: Annotated[
        str, typer.Option(help="Compare with this long before that, as 2h.", show_default=False)
    ] = "",
    limit: Annotated[int, typer.Option("-n", min=1, help="How many findings to show.")] = 12,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Say what stands out in logs: new, growing, rare and severe messages, and drifting numbers."""
    if baseline and not since:
        raise typer.BadParameter("--baseline needs --since: it is the time before that")
    settings = context_of(context).settings
    live = _live_among(sources, settings)
    now = datetime.now(UTC)
    # Nobody means all that a journal holds.
    since = since or (settings.logs.window if live else "")
    to_fetch = _to_fetch(now, since, baseline)
    with (
        spooled_stdin(wanted=_STDIN in sources) as stdin_file,
        live_logs(live, settings, to_fetch) as fetched,
    ):
        chosen = _chosen(sources, settings, stdin_file, fetched)
        needs = settings.services.depends_on
        report = _told(_analyze(chosen, now if live else None, since, baseline, needs), fetched)
    if as_json:
        print_json(_json_object(report))
    else:
        _print_report(report, limit)


def _live_among(names: Sequence[str], settings: Settings) -> list[str]:
    """Those of `names` whose logs have to be fetched: a file of the settings comes first."""
    configured = settings.logs.sources
    return [name for name in switched_on(settings) if name in names and name not in configured]


def _to_fetch(now: datetime, since: str, baseline: str) -> Window:
    """The time that is asked about, and that which it is compared with. Raises InvalidQuery."""
    from tools.window import Window, baseline_before, window_since

    before = baseline_before(window_since(now, since), baseline or since)
    return Window(before.start) if before else Window()


def _chosen(
    names: Sequence[str], settings: Settings, stdin_file: Path | None, fetched: LiveLogs
) -> list[LogSource]:
    """The sources of those names. Raises SourceNotFound."""
    from assistant.live import configured_logs
    from tools.scope import LogSource

    configured = configured_logs(settings.logs.sources)
    chosen = []
    for name in names:
        if name == _STDIN:
            chosen.append(LogSource("standard input", () if stdin_file is None else (stdin_file,)))
        elif name in configured:
            chosen.append(configured[name])
        elif name in fetched.origins:
            chosen += fetched.of(name)
        elif Path(name).exists():
            chosen.append(LogSource(name, (Path(name),)))
        else:
            raise _unknown(name, [*configured, *switched_on(settings)])
    return chosen


def _unknown(name: str, known: Sequence[str]) -> SourceNotFound:
    from tools.errors import SourceNotFound

    if name in ORIGINS and name not in known:
        return SourceNotFound(
            f"{name} is not among the logs of the settings", f"write {ORIGINS[name]} there"
        )
    return SourceNotFound(
        f"{name} is neither a file nor a log source",
        f"sources in the settings: {', '.join(known) or 'none are configured'}",
    )


def _analyze(
    sources: Sequence[LogSource],
    now: datetime | None,
    since: str,
    baseline: str,
    depends_on: Mapping[str, Sequence[str]],
) -> LogReport:
    """The analysis of `sources` as of `now`; of files alone, as of their newest line."""
    from tools.bundle import attach_files
    from tools.logs.analysis import analyze_logs
    from tools.window import baseline_before, window_since

    with working("reading logs") as spinner:
        # A file that was copied from elsewhere ends in its own past: there is its "now".
        now = now or attach_files([path for source in sources for path in source.paths]).now
        window = window_since(now, since)
        return analyze_logs(
            sources,
            now=now,
            window=window,
            baseline=baseline_before(window, baseline),
            depends_on=depends_on,
            progress=lambda name, lines: spinner.update(f"reading {name}: {lines:,} lines"),
        )


def _told(report: LogReport, fetched: LiveLogs) -> LogReport:
    """The report with what fetching left out, and without the paths of files that go away."""
    summaries = [
        replace(source, notes=(*source.notes, *fetched.notes_on(source.name)))
        for source in report.sources
    ]
    findings = [
        replace(finding, path=finding.source) if fetched.has(finding.source) else finding
        for finding in report.findings
    ]
    return replace(report, sources=tuple(summaries), findings=tuple(findings))


def _json_object(report: LogReport) -> dict[str, Any]:
    """The contract of `logs --json`."""
    return {
        "sources": [asdict(source) for source in report.sources],
        "findings": [{**asdict(f), "sample": f.sample} for f in report.findings],
        "templates": report.template_count,
        "timeline": [asdict(e) for e in report.timeline.events] if report.timeline else [],
        "duration_s": round(report.duration_s, 4),
    }


def _print_report(report: LogReport, limit: int) -> None:
    for source in report.sources:
        print(visible(_source_line(source)))
    for finding in report.findings[:limit]:
        print(visible(_finding_lines(finding)))
    left = len(report.findings) - limit
    if left > 0:
        print(f"\n… and {left} more: raise -n, or take --json")
    if not report.findings:
        print("Nothing stands out.")


def _source_line(source: SourceSummary) -> str:
    span = "no time stamps"
    if source.first is not None and source.last is not None:
        span = f"{source.first:%Y-%m-%d %H:%M:%S} to {source.last:%Y-%m-%d %H:%M:%S} UTC"
    levels = ", ".join(f"{count:,} {name}" for name, count in source.levels.items())
    notes = "".join(f"\n  {note}" for note in source.notes)
    return f"{source.name}: {source.lines:,} lines, {span}; {levels or 'no levels'}{notes}"


def _finding_lines(finding: LogFinding) -> str:
    head = f"\n{finding.level or '-'} x{finding.count:,}  {finding.path}:{finding.line}"
    return f"{head}  {finding.note}\n  {finding.sample}"
