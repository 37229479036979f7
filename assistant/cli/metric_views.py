"""What `midwatch metrics` prints: a survey, the answer to a query, or names; as lines or JSON.

The command imports it when it runs: it needs numpy.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from assistant.cli.output import stdout_console, visible
from tools.evidence import Finding
from tools.metrics.backend import Alert, Family, MetricBackend, Reading, Span
from tools.metrics.changes import MetricChange
from tools.metrics.names import fitting_names
from tools.metrics.report import (
    alert_findings,
    change_finding,
    format_range,
    format_time,
    profile_note,
    target_findings,
)
from tools.metrics.series import Series, utc
from tools.metrics.survey import MetricSurvey, judge


@dataclass(frozen=True, slots=True)
class SurveyView:
    """A look at all metrics of `backend`."""

    backend: MetricBackend
    found: MetricSurvey

    @property
    def could_look(self) -> bool:
        """Whether anything could be read at all."""
        found = self.found
        return bool(found.is_complete or found.num_series or found.alerts or found.targets.total)

    def as_json(self) -> dict[str, Any]:
        """The contract of `metrics --json`."""
        found = self.found
        down = [
            {"labels": one.labels, "error": one.error, "last_scrape": one.last_scrape}
            for one in found.targets.down
        ]
        return {
            "source": self.backend.name,
            **_range(found.span),
            "alerts": [_alert(alert) for alert in found.alerts],
            "targets": {"total": found.targets.total, "down": down},
            "changes": [_change(self.backend, change) for change in found.changes],
            "metrics": found.num_metrics,
            "series": found.num_series,
            "unread": found.num_unread,
            "notes": found.notes,
            "duration_s": round(found.duration_s, 4),
        }

    def print(self, limit: int) -> None:
        """The summary, then at most `limit` findings."""
        print(visible("\n".join(self._head())))
        findings = list(self._findings())
        _print_findings(findings, limit)
        if not self.found.num_metrics:
            print("There are no metrics in this time.")
        elif not findings and self.could_look:
            print("Nothing stands out.")

    def _head(self) -> Iterator[str]:
        found = self.found
        span = found.span
        against = f", against the time since {format_time(utc(span.start))}"
        has_baseline = _has_baseline(span)
        yield f"{self.backend.name}, {format_range(span)}{against if has_baseline else ''}"
        firing = sum(alert.is_firing and alert.until is None for alert in found.alerts)
        yield (
            f"metrics: {found.num_metrics:,}; series: {found.num_series:,}; "
            f"alerts firing: {firing}; "
            f"targets down: {len(found.targets.down)} of {found.targets.total}"
        )
        if found.num_unread:
            yield f"not looked at: {found.num_unread:,} metrics; raise --timeout, or name one"
        yield from found.notes

    def _findings(self) -> Iterator[Finding]:
        yield from alert_findings(self.backend, self.found.alerts, self.found.span)
        yield from target_findings(self.backend, self.found.targets.down)
        yield from (change_finding(self.backend, change) for change in self.found.changes)


@dataclass(frozen=True, slots=True)
class QueryView:
    """The series that answer `query`."""

    backend: MetricBackend
    query: str
    span: Span
    reading: Reading

    @property
    def could_look(self) -> bool:
        """A query that could not be asked is an error."""
        return True

    def as_json(self) -> dict[str, Any]:
        """The contract of `metrics QUERY --json`: series that changed, and those that did not."""
        judged = judge(self.reading.series, self.span)
        return {
            "source": self.backend.name,
            "query": self.query,
            **_range(self.span),
            "changes": [_change(self.backend, change) for change in judged.changes],
            "quiet": [_quiet(series) for series in judged.quiet],
            "notes": self.reading.notes,
        }

    def print(self, limit: int) -> None:
        """How many series there are, then at most `limit` of them: changed ones first."""
        number = len(self.reading.series)
        where = f"{self.query} in {self.backend.name}, {format_range(self.span)}"
        print(visible("\n".join([f"{where}: {number:,} series", *self.reading.notes])))
        _print_findings(list(self._findings()), limit)

    def _findings(self) -> Iterator[Finding]:
        judged = judge(self.reading.series, self.span)
        yield from (change_finding(self.backend, change) for change in judged.changes)
        for series in judged.quiet:
            if len(series):
                last = self.backend.quote(series, len(series) - 1)
                note = profile_note(series)
                yield Finding("metric", series.source, last.text, last.line, note)


@dataclass(frozen=True, slots=True)
class NamesView:
    """The metrics that fit some words, best first, of `searched`."""

    names: Sequence[Family]
    searched: int

    @classmethod
    def of(cls, words: str, families: Sequence[Family]) -> NamesView:
        """Those of `families` that share words with `words`."""
        by_name = {family.name: family for family in families}
        helps = {name: family.help for name, family in by_name.items()}
        fitting = fitting_names(words, by_name, helps)
        return cls([by_name[name] for name in fitting], len(by_name))

    @property
    def could_look(self) -> bool:
        """Names that could not be asked for are an error."""
        return True

    def as_json(self) -> dict[str, Any]:
        """The contract of `metrics --search WORDS --json`."""
        names = [
            {"name": one.name, "kind": one.kind, "series": one.num_series, "help": one.help}
            for one in self.names
        ]
        return {"names": names, "searched": self.searched}

    def print(self, limit: int) -> None:
        """A table of at most `limit` names."""
        from rich.table import Table
        from rich.text import Text

        if not self.names:
            print(f"None of {self.searched:,} names of metrics fits.")
            return
        table = Table("metric", "kind", "series", "", box=None, pad_edge=False)
        for one in self.names[:limit]:
            number = "" if one.num_series is None else f"{one.num_series:,}"
            table.add_row(*(Text(visible(t)) for t in (one.name, one.kind, number, one.help)))
        stdout_console().print(table)
        _print_left(len(self.names) - limit)


def _print_findings(findings: Sequence[Finding], limit: int) -> None:
    for finding in findings[:limit]:
        place = finding.source if finding.line is None else f"{finding.source}:{finding.line}"
        text = finding.text.replace("\n", "\n  ")
        print(visible(f"\n{finding.note}\n  {text}\n  {place}"))
    _print_left(len(findings) - limit)


def _print_left(number: int) -> None:
    if number > 0:
        print(f"\n… and {number:,} more: raise -n, or take --json")


def _range(span: Span) -> dict[str, Any]:
    """The window, and since when it is compared with what came before."""
    return {
        "start": utc(span.window_start),
        "end": utc(span.end),
        "baseline_start": utc(span.start) if _has_baseline(span) else None,
    }


def _has_baseline(span: Span) -> bool:
    return span.window_start - span.start >= 1


def _alert(alert: Alert) -> dict[str, Any]:
    return {
        "name": alert.labels.get("alertname", ""),
        "labels": alert.labels,
        "is_firing": alert.is_firing,
        "since": alert.since,
        "until": alert.until,
        "annotations": alert.annotations,
    }


def _change(backend: MetricBackend, change: MetricChange) -> dict[str, Any]:
    finding = change_finding(backend, change)
    return {
        "kind": change.kind,
        "name": change.name,
        "labels": change.labels,
        "at": change.at,
        "until": change.until,
        "before": _number(change.before),
        "after": _number(change.after),
        "strength": _number(change.strength),
        "suspicion": finding.suspicion,
        "count": change.count,
        "sparkline": change.sparkline,
        "note": finding.note,
        "source": finding.source,
        "line": finding.line,
        "text": finding.text,
    }


def _quiet(series: Series) -> dict[str, Any]:
    return {
        "name": series.name,
        "labels": series.labels,
        "last": _number(series.values[-1]) if len(series) else None,
        "note": profile_note(series),
    }


def _number(value: float) -> float | None:
    """Six digits of a number that JSON has; it has neither NaN nor infinities."""
    return float(f"{value:.6g}") if math.isfinite(value) else None
