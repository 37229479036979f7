"""`midwatch probe`: whether servers answer, asked as a client would. No model is involved."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any

import typer

from assistant.cli.context import EXIT_FAILED, context_of
from assistant.cli.output import note, print_json, stdout_console, visible, working

if TYPE_CHECKING:
    from assistant.settings import ProbesSettings
    from tools.evidence import Finding
    from tools.result import ToolResult
    from tools.scope import ProbePlan

# From here on a probe says itself that there is trouble.
_TROUBLE = 0.3
_AT_ONCE = 10


def probe(
    context: typer.Context,
    targets: Annotated[
        list[str] | None,
        typer.Argument(
            help="URL, host:port, tls://host:port or dns:name, or a check's name; "
            "without any, all of [probes.checks].",
            show_default=False,
        ),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Ask servers whether they answer, where [probes] allow lets it. Exits with 1 on trouble."""
    settings = context_of(context).settings.probes
    chosen = _chosen(targets or (), settings)
    with working("asking"):
        made = _made(chosen, settings)
    if as_json:
        print_json({"probes": [one.as_json() for one in made], "is_ok": _are_ok(made)})
    else:
        for one in made:
            one.print()
    if not _are_ok(made):
        raise typer.Exit(EXIT_FAILED)


@dataclass(frozen=True, slots=True)
class _Probe:
    """One probe and its result; `check` is its name in the settings, if it has one there."""

    check: str | None
    target: str
    result: ToolResult

    @property
    def was_made(self) -> bool:
        """Whether anything was asked; a target that is not allowed is not."""
        from tools.result import Status

        return self.result.status is Status.OK

    @property
    def is_ok(self) -> bool:
        """Whether it answers as it should."""
        return self.was_made and self.suspicion < _TROUBLE

    @property
    def suspicion(self) -> float:
        """That of the worst that was seen."""
        return max((finding.suspicion for finding in self.result.findings), default=0.0)

    def as_json(self) -> dict[str, Any]:
        """One of the objects of `probe --json`."""
        return {
            "check": self.check,
            "target": self.target,
            "was_made": self.was_made,
            "is_ok": self.is_ok,
            "summary": self.result.summary,
            "observations": [_observation(finding) for finding in self.result.findings],
        }

    def print(self) -> None:
        """Write the verdict and what was seen; on standard error that it was not allowed."""
        if not self.was_made:
            note(f"midwatch: {self.result.summary}")
            return
        from rich.text import Text

        mark, style = ("ok", "green") if self.is_ok else ("XX", "red")
        head = Text.assemble((mark, style), f" {visible(self.result.summary)}")
        stdout_console().print(head, soft_wrap=True)
        for finding in self.result.findings:
            stdout_console().print(Text(f"   {visible(finding.text)}"), soft_wrap=True)


def _observation(finding: Finding) -> dict[str, Any]:
    return {"text": finding.text, "note": finding.note, "suspicion": finding.suspicion}


def _are_ok(made: Sequence[_Probe]) -> bool:
    return all(one.is_ok for one in made)


def _chosen(names: Sequence[str], settings: ProbesSettings) -> list[tuple[str | None, str]]:
    """What to probe: names of checks, if they have one, and targets. Raises SettingsError."""
    checks = settings.checks
    if names:
        return [(name, checks[name]) if name in checks else (None, name) for name in names]
    if not checks:
        from assistant.errors import SettingsError

        raise SettingsError(
            "no checks are set up",
            'name a target, or write [probes.checks] api = "https://api.internal/health" '
            "in the settings",
        )
    return list(checks.items())


def _made(chosen: Sequence[tuple[str | None, str]], settings: ProbesSettings) -> list[_Probe]:
    """All probes at once."""
    from assistant.live import probe_plan
    from tools.probes.allow import AllowList
    from tools.probes.target import without_secrets
    from tools.scope import ProbePlan

    # An empty list lets nothing through, and says what to write in it.
    plan = probe_plan(settings) or ProbePlan(AllowList())
    threads = ThreadPoolExecutor(max_workers=min(_AT_ONCE, len(chosen)))
    try:
        results = list(threads.map(lambda one: _result(one[1], plan), chosen))
    finally:
        # An interrupted command does not wait for servers that do not answer.
        threads.shutdown(wait=False, cancel_futures=True)
    return [
        _Probe(check, without_secrets(target), result)
        for (check, target), result in zip(chosen, results, strict=True)
    ]


def _result(target: str, plan: ProbePlan) -> ToolResult:
    from tools.probes.probe import probe as ask

    return ask(target, plan.allow, timeout_s=plan.timeout_s, ca_file=plan.ca_file)
