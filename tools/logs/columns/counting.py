"""Counting: the records of a source by template."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import polars as pl

from tools.logs.columns.records import Part, Records
from tools.logs.groups import Group, Kind
from tools.logs.moments import to_time
from tools.logs.records import Level
from tools.logs.table import NO_TIME
from tools.logs.templates import merge

_TENTHS = 10


@dataclass(frozen=True, slots=True)
class Count:
    """The groups of the window, and which of them each kind belongs to (-1: none of the window)."""

    groups: Sequence[Group]
    group_of_kind: npt.NDArray[np.int32]


class _Draft(NamedTuple):
    """A template, its level, and the first of the kinds that it is made of."""

    template: str
    level: Level | None
    kind: Kind


def count(records: Records) -> Count:
    """The records of the window by template, near-identical templates joined."""
    kinds = sorted(records.kinds.all, key=lambda kind: kind.row)
    levels = [kind.effective_level() for kind in kinds]
    apart = [(level, kind.declared, kind.status) for level, kind in zip(levels, kinds, strict=True)]
    group_of_kind = np.full(len(kinds), -1, np.int32)
    drafts: list[_Draft] = []
    for template, members in merge([kind.template for kind in kinds], apart):
        group_of_kind[[kinds[member].number for member in members]] = len(drafts)
        first = min(members)
        drafts.append(_Draft(template, levels[first], kinds[first]))
    return _counted(records, drafts, group_of_kind)


def _counted(records: Records, drafts: Sequence[_Draft], of_kind: npt.NDArray[np.int32]) -> Count:
    window, baseline = records.window, records.baseline
    figures = _figures(window, of_kind)
    tenths = _tenths(of_kind[window.kinds], len(drafts))
    before = np.zeros(len(drafts), np.int64)
    if baseline is not None:
        before = np.bincount(of_kind[baseline.kinds], minlength=len(drafts))
    first_rows = window.rows[figures["first_position"].to_numpy()]
    samples = records.column.lines(first_rows)
    groups: list[Group] = []
    renumbered = np.full(len(drafts) + 1, -1, np.int32)
    for figure, sample, row in zip(
        figures.iter_rows(named=True), samples, first_rows.tolist(), strict=True
    ):
        number = figure["group"]
        template, level, kind = drafts[number]
        renumbered[number] = len(groups)
        groups.append(
            Group(
                template,
                level,
                kind.declared,
                kind.status,
                sample,
                kind.message if kind.row == row else records.variants.record(row).message,
                figure["count"],
                int(before[number]),
                figure["first_position"],
                figure["last_position"],
                _moment(figure["first"]),
                _moment(figure["last"]),
                tenths[number].tolist(),
            )
        )
    return Count(groups, renumbered[of_kind])


def _figures(window: Part, of_kind: npt.NDArray[np.int32]) -> pl.DataFrame:
    """The count, first and last position and time of each group."""
    time = pl.col("time").replace(NO_TIME, None)
    lines = pl.DataFrame({"group": of_kind[window.kinds], "time": window.times})
    return (
        lines.with_row_index("position")
        .group_by("group")
        .agg(
            pl.len().alias("count"),
            pl.col("position").min().alias("first_position"),
            pl.col("position").max().alias("last_position"),
            time.min().alias("first"),
            time.max().alias("last"),
        )
        .sort("group")
    )


def _tenths(groups: npt.NDArray[np.int32], num_groups: int) -> npt.NDArray[np.int64]:
    total = len(groups)
    tenths = np.arange(total) * _TENTHS // max(1, total)
    places = groups.astype(np.int64) * _TENTHS + tenths
    return np.bincount(places, minlength=num_groups * _TENTHS).reshape(num_groups, _TENTHS)


def _moment(micros: int | None) -> datetime | None:
    return to_time(micros) if micros is not None else None
