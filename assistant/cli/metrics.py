"""`midwatch metrics`: what happened to metrics, in a server or a bundle. No model is involved."""

from __future__ import annotations

from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from assistant.cli.context import EXIT_FAILED, context_of
from assistant.cli.output import print_json, working

if TYPE_CHECKING:
    from assistant.cli.metric_views import NamesView, QueryView, SurveyView
    from assistant.settings import Settings
    from tools.metrics.backend import MetricBackend


def metrics(
    context: typer.Context,
    query: Annotated[
        str,
        typer.Argument(
            help="A metric's name, or PromQL; without it, all metrics are looked at.",
            show_default=False,
        ),
    ] = "",
    since: Annotated[
        str, typer.Option(help="Look back this far, as 30m or 2h.", show_default=False)
    ] = "",
    baseline: Annotated[
        str, typer.Option(help="Compare with this long before that, as 2h.", show_default=False)
    ] = "",
    bundle: Annotated[
        Path | None,
        typer.Option(help="Read the metrics of this bundle instead.", show_default=False),
    ] = None,
    search: Annotated[
        str,
        typer.Option(
            help="Find names of metrics by these words.", metavar="WORDS", show_default=False
        ),
    ] = "",
    limit: Annotated[int, typer.Option("-n", min=1, help="How many to show.")] = 12,
    timeout_s: Annotated[
        float | None,
        typer.Option(
            "--timeout", min=0.1, help="How many seconds it may take.", show_default=False
        ),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Say what happened to metrics: firing alerts, targets that are down, changes."""
    if baseline and not since:
        raise typer.BadParameter("--baseline needs --since: it is the time before that")
    if query and search:
        raise typer.BadParameter("--search finds names and takes no QUERY beside it")
    settings = context_of(context).settings
    asked = _Asked(query, search, since, baseline, timeout_s or settings.metrics.timeout_s)
    place = _server(settings) if bundle is None else _tables(bundle)
    with closing(place.backend):
        with working(f"reading the metrics of {place.backend.name}"):
            view = _look(place, asked)
        if as_json:
            print_json(view.as_json())
        else:
            view.print(limit)
    if not view.could_look:
        raise typer.Exit(EXIT_FAILED)


@dataclass(frozen=True, slots=True)
class _Asked:
    """What the command line asks for; what was not given is empty."""

    query: str
    search: str
    since: str
    baseline: str
    timeout_s: float


@dataclass(frozen=True, slots=True)
class _Place:
    """Where metrics are kept, and how far to look back there unless told (empty: all of it)."""

    backend: MetricBackend
    now: datetime
    since: str


def _server(settings: Settings) -> _Place:
    """The settings' server. Raises SettingsError."""
    from assistant.errors import SettingsError
    from assistant.live import metric_backend

    backend = metric_backend(settings.metrics)
    if backend is None:
        raise SettingsError(
            "no metrics are set up",
            'write [metrics] prometheus = "http://prometheus:9090" in the settings, '
            "or name a bundle with --bundle",
        )
    return _Place(backend, datetime.now(UTC), settings.logs.window)


def _tables(bundle: Path) -> _Place:
    """The tables of a bundle. Raises ToolsError."""
    from tools.bundle import open_bundle
    from tools.errors import SourceNotFound

    scope = open_bundle(bundle)
    if scope.metrics is None:
        raise SourceNotFound(
            f"{bundle} holds no metrics", "a bundle has them in tables: metrics/*.csv"
        )
    return _Place(scope.metrics, scope.now, "")


def _look(place: _Place, asked: _Asked) -> SurveyView | QueryView | NamesView:
    """The answer, which may still want to quote from the place. Raises ToolsError."""
    from assistant.cli.metric_views import NamesView, QueryView, SurveyView
    from tools.metrics.backend import Deadline
    from tools.metrics.survey import survey
    from tools.window import EVERYTHING, baseline_before, window_since

    backend, deadline = place.backend, Deadline.after(asked.timeout_s)
    if asked.search:
        span = backend.span(EVERYTHING, None, deadline)
        return NamesView.of(asked.search, backend.families(span, deadline))
    window = window_since(place.now, asked.since or place.since)
    baseline = baseline_before(window, asked.baseline)
    if not asked.query:
        return SurveyView(backend, survey(backend, window, baseline, timeout_s=asked.timeout_s))
    span = backend.span(window, baseline, deadline)
    return QueryView(backend, asked.query, span, backend.query(asked.query, span, deadline))
