"""`PrometheusMetrics`: a Prometheus, or what speaks as one (Thanos, Mimir, VictoriaMetrics).

Nothing here grows with the number of series that the server has: families are counted by the
server, large ones aggregated by it, and every call ends by its deadline with what there was.
"""

from __future__ import annotations

import math
import re
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

from tools.errors import BackendUnavailable, InvalidQuery, SourceNotFound, ToolsError
from tools.metrics import api_data, recorded
from tools.metrics.api_data import read_answer
from tools.metrics.backend import (
    Alert,
    Deadline,
    Family,
    FamilyKind,
    Quotation,
    Reading,
    Span,
    Targets,
    group_families,
)
from tools.metrics.counters import has_counter_name
from tools.metrics.http_api import Access, HttpApi
from tools.metrics.labels import parse_selector
from tools.metrics.limits import role_of
from tools.metrics.names import close_names
from tools.metrics.promql import (
    RangeQuery,
    choose_groups,
    duration,
    explained,
    fill_query,
    identifiers,
    is_plain,
    largest,
    queries_for,
)
from tools.metrics.series import Series, SeriesKind, render_sample
from tools.window import Window

_NUM_POINTS = 240
_USUAL_INTERVAL_S = 15.0
_MAX_INTERVAL_S = 300.0
# A rate needs at least two samples, and some scrapes fail.
_SCRAPES_PER_RATE = 4
_DEFAULT_WINDOW_S = 3600.0
_MIN_BASELINE_S = 1800.0
_CLOCK_TOLERANCE_S = 60.0
_NUM_WORKERS = 4
_MAX_SERIES_OF_QUERY = 300
_TOP_OF_QUERY = 50
_MAX_NOTES = 4
_MAX_SAMPLES = 100_000
_MAX_LABEL_SETS = "2000"
_LABEL = re.compile(r"[a-zA-Z_][a-zA-Z0-9_]*")
_ALERTS_QUERY = RangeQuery(
    recorded.ALERTS, recorded.ALERTS, "gauge", recorded.ALERTS, is_selector=True
)


class PrometheusMetrics:
    """The metrics of the server that `access` names."""

    def __init__(self, access: Access) -> None:
        self._api = HttpApi(access)
        self._interval_s: float | None = None
        self._ahead_s = 0.0

    @property
    def name(self) -> str:
        """Where it is."""
        return f"Prometheus at {self._api}"

    def close(self) -> None:
        """Close the connections."""
        self._api.close()

    def span(self, window: Window, baseline: Window | None, deadline: Deadline) -> Span:
        """The window by the server's own clock; the last hour, and as much before it, when open."""
        now = self._now(deadline)
        # "The last hour" was counted by our clock; the samples carry the server's.
        ahead_s = self._ahead_s if window.end is None else 0.0
        end = window.end.timestamp() if window.end else now
        start = window.start.timestamp() + ahead_s if window.start else end - _DEFAULT_WINDOW_S
        before = start - max(_MIN_BASELINE_S, end - start)
        if baseline is not None and baseline.start is not None:
            before = baseline.start.timestamp() + ahead_s
        if end <= start:
            raise InvalidQuery("the time range is empty", "its start must be before its end")
        return Span(min(before, start), start, end)

    def alerts(self, span: Span, deadline: Deadline) -> Sequence[Alert]:
        """The active alerts, and those that the server recorded in the window."""
        series, _ = self._range(_ALERTS_QUERY, span, deadline)
        past = recorded.alerts_of(series, span)
        is_over = span.end < time.time() + self._ahead_s - _CLOCK_TOLERANCE_S
        active = [] if is_over else self._active_alerts(deadline)
        known = {tuple(sorted(alert.labels.items())) for alert in active}
        return active + [a for a in past if tuple(sorted(a.labels.items())) not in known]

    def targets(self, span: Span, deadline: Deadline) -> Targets:
        """The active targets; where the server has no list, what `up` says."""
        try:
            answer = self._api.ask("targets", {"state": "active"}, deadline)
            interval_s = read_answer(api_data.scrape_interval_s, answer.data)
            self._interval_s = min(interval_s, _MAX_INTERVAL_S) if interval_s else None
            return read_answer(api_data.targets_of, answer.data)
        except (BackendUnavailable, InvalidQuery):
            query = RangeQuery(recorded.UP, recorded.UP, "gauge", recorded.UP)
            series, _ = self._range(query, span, deadline)
            return recorded.targets_of(series)

    def families(self, span: Span, deadline: Deadline) -> Sequence[Family]:
        """All metrics, counted by the server when it can do so in half the time."""
        kinds, helps = self._metadata(deadline)
        try:
            part = deadline.within(deadline.left_s / 2)
            counts = self._counts(span.end, part)
            before = self._counts(span.window_start, part)
        except (BackendUnavailable, InvalidQuery):
            uncounted: dict[str, int | None] = dict.fromkeys(
                self.label_values("__name__", deadline)
            )
            return group_families(uncounted, kinds, None, helps)
        return group_families({**dict.fromkeys(before, 0), **counts}, kinds, before, helps)

    def read(self, families: Sequence[Family], span: Span, deadline: Deadline) -> Reading:
        """The series of `families`, a few queries at a time, until the deadline."""

        def attempt(family: Family) -> list[Series] | ToolsError:
            try:
                return list(self._read_family(family, span, deadline))
            except (BackendUnavailable, InvalidQuery) as error:
                return error

        found: list[Series] = []
        unread: list[Family] = []
        notes: list[str] = []
        with ThreadPoolExecutor(_NUM_WORKERS, "metrics") as pool:
            outcomes = pool.map(attempt, families)
            fills = self._large_fills(families, span, deadline)
            for family, outcome in zip(families, outcomes, strict=True):
                if isinstance(outcome, ToolsError):
                    unread.append(family)
                    notes.append(outcome.message)
                else:
                    found.extend(outcome)
        if unread and not deadline.left_s:
            notes = ["the time limit was reached"]
        notes = [*self._clock_notes(), *dict.fromkeys(notes)]
        return Reading((*found, *fills), tuple(unread), tuple(notes[:_MAX_NOTES]))

    def query(self, expression: str, span: Span, deadline: Deadline) -> Reading:
        """The series that answer a PromQL expression; of very many the largest."""
        try:
            number = self._number_of(expression, span, deadline)
            query, notes = self._asked(expression, number, span, deadline)
            series, warnings = self._range(query, span, deadline, number)
        except InvalidQuery as error:
            raise explained(expression, error) from error
        if not series:
            self._check_names(expression, deadline)
        return Reading(tuple(series), (), (*self._clock_notes(), *notes, *warnings))

    def label_values(self, label: str, deadline: Deadline) -> Sequence[str]:
        """The values that `label` has in any series."""
        if not _LABEL.fullmatch(label):
            raise InvalidQuery(f"{label!r} is not the name of a label", 'such as "job"')
        answer = self._api.ask("label/{}/values", {}, deadline, label)
        return read_answer(lambda data: sorted(str(value) for value in data), answer.data)

    def quote(self, series: Series, index: int) -> Quotation:
        """The sample in Prometheus' own form."""
        sample = float(series.samples[index])
        # What the server computed has no name.
        name = series.name if series.source == series.name else ""
        text = render_sample(name, series.labels, sample, float(series.times[index]))
        return Quotation(text)

    def _now(self, deadline: Deadline) -> float:
        answer = self._api.ask("query", {"query": "time()"}, deadline)
        ((_, now),) = read_answer(lambda data: list(api_data.vector_of(data)), answer.data)
        self._ahead_s = now - time.time()
        if abs(self._ahead_s) < _CLOCK_TOLERANCE_S:
            self._ahead_s = 0.0
        return now

    def _clock_notes(self) -> list[str]:
        if not self._ahead_s:
            return []
        where = "ahead of" if self._ahead_s > 0 else "behind"
        return [
            f"its clock is {abs(self._ahead_s):,.0f} s {where} this machine's; times are its own"
        ]

    def _active_alerts(self, deadline: Deadline) -> list[Alert]:
        try:
            return read_answer(api_data.alerts_of, self._api.ask("alerts", {}, deadline).data)
        except (BackendUnavailable, InvalidQuery):
            return []  # recorded alerts say nearly as much

    def _metadata(self, deadline: Deadline) -> tuple[dict[str, FamilyKind], dict[str, str]]:
        try:
            answer = self._api.ask("metadata", {"limit_per_metric": "1"}, deadline.within(2.0))
            return read_answer(api_data.kinds_of, answer.data)
        except (BackendUnavailable, InvalidQuery):
            return {}, {}  # names tell most of it

    def _counts(self, moment: float, deadline: Deadline) -> dict[str, int]:
        """How many series each metric has at a time."""
        vector = self._instant('count by (__name__) ({__name__=~".+"})', moment, deadline)
        return {labels.get("__name__", ""): int(number) for labels, number in vector}

    def _read_family(self, family: Family, span: Span, deadline: Deadline) -> Iterator[Series]:
        groups = () if is_plain(family) else self._groups(family, span, deadline)
        for query in queries_for(family, span, self._rate_window_s(span), groups):
            yield from self._range(query, span, deadline, family.num_series or 1)[0]

    def _groups(self, family: Family, span: Span, deadline: Deadline) -> tuple[str, ...]:
        """The labels to sum a large family by."""
        if family.kind == "gauge" or (
            family.kind == "unknown" and not has_counter_name(family.name)
        ):
            return ()
        part = f"{family.name}_count" if family.kind in ("histogram", "summary") else family.name
        parameters = {
            "match[]": part,
            "start": f"{span.window_start:.3f}",
            "end": f"{span.end:.3f}",
            "limit": _MAX_LABEL_SETS,
        }
        answer = self._api.ask("series", parameters, deadline)
        return read_answer(choose_groups, answer.data)

    def _large_fills(
        self, families: Sequence[Family], span: Span, deadline: Deadline
    ) -> list[Series]:
        """How full the fullest are, of families too large to be read series by series."""
        large = [family.name for family in families if not is_plain(family)]
        limits = {role_of(name)[1]: name for name in large if role_of(name)[0] == "limit"}
        found: list[Series] = []
        for name in large:
            role, stem = role_of(name)
            if role in ("used", "free") and stem in limits:
                query = fill_query(name, limits[stem], role == "free", span)
                found.extend(self._quietly(query, span, deadline))
        return found

    def _quietly(self, query: RangeQuery, span: Span, deadline: Deadline) -> list[Series]:
        """The answer to a query that need not have one."""
        try:
            return self._range(query, span, deadline)[0]
        except (BackendUnavailable, InvalidQuery):
            return []

    def _asked(
        self, expression: str, number: int, span: Span, deadline: Deadline
    ) -> tuple[RangeQuery, list[str]]:
        """The query for what somebody asked, bounded; and what was done to bound it."""
        name = _bare_name(expression)
        if name is not None:
            kinds, _ = self._metadata(deadline)
            is_counter = kinds.get(name, "unknown") == "counter" or (
                name not in kinds and has_counter_name(name)
            )
            kind: SeriesKind = "counter" if is_counter else "gauge"
            query = RangeQuery(expression, name, kind, name, is_selector=True)
        else:
            query = RangeQuery(expression, "", "gauge", expression)
        if number <= _MAX_SERIES_OF_QUERY:
            return query, []
        bounded = replace(
            query, expression=largest(expression, _TOP_OF_QUERY, span), is_selector=False
        )
        what = f"the {_TOP_OF_QUERY} largest at the end were looked at"
        return bounded, [f"it has {number:,} series; {what}"]

    def _number_of(self, expression: str, span: Span, deadline: Deadline) -> int:
        try:
            vector = self._instant(f"count(({expression}))", span.end, deadline)
        except InvalidQuery:
            return 0  # what is wrong with the expression is better said of itself
        return int(vector[0][1]) if vector else 0

    def _check_names(self, expression: str, deadline: Deadline) -> None:
        """Raises SourceNotFound when the expression names a metric that does not exist."""
        names = self.label_values("__name__", deadline)
        known = set(names)
        for name in identifiers(expression):
            if name not in known:
                close = close_names(name, names)
                hint = f"close to it: {', '.join(close)}" if close else "search for its name first"
                raise SourceNotFound(f"there is no metric {name!r}", hint)

    def _instant(
        self, expression: str, moment: float, deadline: Deadline
    ) -> list[tuple[dict[str, str], float]]:
        parameters = {
            "query": expression,
            "time": f"{moment:.3f}",
            "timeout": _timeout(deadline),
        }
        answer = self._api.ask("query", parameters, deadline)
        return read_answer(lambda data: list(api_data.vector_of(data)), answer.data)

    def _range(
        self, query: RangeQuery, span: Span, deadline: Deadline, num_series: int = 1
    ) -> tuple[list[Series], tuple[str, ...]]:
        """The answer to `query` over the span: its samples where they are few, else in steps."""
        length_s = span.end - span.start
        num_samples = num_series * length_s / (self._interval_s or _USUAL_INTERVAL_S)
        parameters = {"query": query.expression, "timeout": _timeout(deadline)}
        if query.is_selector and num_samples <= _MAX_SAMPLES:
            # Steps would repeat samples where they are shorter than the time between two scrapes.
            parameters["query"] = f"{query.expression}[{duration(length_s)}]"
            answer = self._api.ask("query", {**parameters, "time": f"{span.end:.3f}"}, deadline)
        else:
            parameters["start"], parameters["end"] = f"{span.start:.3f}", f"{span.end:.3f}"
            parameters["step"] = f"{self._step_s(span):.3f}"
            answer = self._api.ask("query_range", parameters, deadline)
        series = read_answer(lambda data: api_data.series_of(data, query), answer.data)
        return series, answer.warnings

    def _step_s(self, span: Span) -> float:
        """The time between two points: no shorter than between two scrapes."""
        least_s = self._interval_s or _USUAL_INTERVAL_S
        return max(least_s, (span.end - span.start) / _NUM_POINTS)

    def _rate_window_s(self, span: Span) -> float:
        interval_s = self._interval_s or _MAX_INTERVAL_S / _SCRAPES_PER_RATE
        return max(_SCRAPES_PER_RATE * interval_s, self._step_s(span))


def _bare_name(expression: str) -> str | None:
    """The metric's name when the expression only selects series of one."""
    try:
        name, _ = parse_selector(expression)
    except InvalidQuery:
        return None
    return name or None


def _timeout(deadline: Deadline) -> str:
    """How long the server itself may work on it: it need not go on when nobody waits."""
    return f"{max(1, math.ceil(deadline.left_s * 1000))}ms"
