"""`probe` and `run_checks`: active probes as tool results, within the allow-list and in time.

A target may come from a person, a model or the settings; the allow-list comes from the settings
alone, and decides for all of them. Nothing is tried twice, and nothing is sent but the one request.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from tools.errors import ToolsError
from tools.probes.allow import AllowList
from tools.probes.certificate import Trust
from tools.probes.connecting import ProbeFailed
from tools.probes.deadline import Checkpoint, Deadline, go_on
from tools.probes.dns import probe_dns
from tools.probes.http import probe_http
from tools.probes.observation import Observation
from tools.probes.resolving import NameNotResolved, NameServers
from tools.probes.target import Kind, Target, parse_target
from tools.probes.tcp import probe_tcp
from tools.probes.tls import probe_tls
from tools.result import Status, ToolResult, error_result

TIMEOUT_S = 3.0
MAX_TIMEOUT_S = 30.0
MAX_CHECKS = 10
_UNRESOLVED = 0.85
_TROUBLE = 0.3


def probe(
    target: str,
    allow: AllowList,
    *,
    kind: Kind = "auto",
    timeout_s: float = TIMEOUT_S,
    servers: NameServers | None = None,
    ca_file: Path | None = None,
    checkpoint: Checkpoint = go_on,
) -> ToolResult:
    """What one probe of `target` saw, all its steps and redirects within `timeout_s`.

    A target that is not allowed, or is none, is an error that says which setting allows it. A
    server that does not answer is a result. `ca_file` holds authorities to trust besides the
    machine's. `checkpoint` is called between the steps and may raise, which ends the probe (no
    OSError: that is what a failing network raises).
    """
    try:
        parsed = parse_target(target, kind)
        deadline = Deadline(min(timeout_s, MAX_TIMEOUT_S), checkpoint)
        seen = _observe(parsed, allow, servers or NameServers(), Trust(ca_file), deadline)
    except ToolsError as error:
        return error_result(error)
    source = f"probe {parsed}"
    findings = tuple(observation.finding(source) for observation in seen)
    return ToolResult(Status.OK, f"Probed {parsed}: {_verdict(seen)}", findings)


def run_checks(
    checks: Mapping[str, str],
    allow: AllowList,
    *,
    timeout_s: float = TIMEOUT_S,
    servers: NameServers | None = None,
    ca_file: Path | None = None,
    checkpoint: Checkpoint = go_on,
) -> ToolResult:
    """The named probes of the settings (name: target), at once: about `timeout_s` for all.

    Those above `MAX_CHECKS` are omitted, and counted. An error only when none could be made.
    """
    chosen = dict(list(checks.items())[:MAX_CHECKS])
    if not chosen:
        return ToolResult(Status.NO_DATA, "No checks are set up.")

    def made(target: str) -> ToolResult:
        return probe(
            target,
            allow,
            timeout_s=timeout_s,
            servers=servers,
            ca_file=ca_file,
            checkpoint=checkpoint,
        )

    with ThreadPoolExecutor(max_workers=len(chosen), thread_name_prefix="probe") as threads:
        results = dict(zip(chosen, threads.map(made, chosen.values()), strict=True))
    findings = tuple(finding for result in results.values() for finding in result.findings)
    is_any_made = any(result.status is Status.OK for result in results.values())
    return ToolResult(
        Status.OK if is_any_made else Status.ERROR,
        "\n".join(f"Check {name}: {result.summary}" for name, result in results.items()),
        tuple(sorted(findings, key=lambda finding: -finding.suspicion)),
        omitted=len(checks) - len(chosen),
    )


def _observe(
    target: Target, allow: AllowList, servers: NameServers, trust: Trust, deadline: Deadline
) -> list[Observation]:
    """All that was seen until the probe ended, by an answer or a failure. Raises ToolsError."""
    seen: list[Observation] = []
    try:
        # Not at once: what was seen before a failure counts.
        for observation in _probing(target, allow, servers, trust, deadline):
            seen.append(observation)
    except ProbeFailed as failure:
        seen.append(Observation(failure.text, failure.note, failure.suspicion))
    except NameNotResolved as failure:
        seen.append(Observation(failure.verdict, failure.note, _UNRESOLVED))
    except TimeoutError:
        text = f"timeout: not done within {deadline.limit_s:g} s"
        seen.append(Observation(text, "all steps together took too long", 0.7))
    return seen


def _probing(
    target: Target, allow: AllowList, servers: NameServers, trust: Trust, deadline: Deadline
) -> Iterator[Observation]:
    match target.kind:
        case "http":
            return probe_http(target, allow, servers, trust, deadline)
        case "tls":
            return probe_tls(target, allow, servers, trust, deadline)
        case "tcp":
            return probe_tcp(target, allow, servers, deadline)
        case "dns":
            return probe_dns(target, allow, servers, deadline)


def _verdict(seen: list[Observation]) -> str:
    """In words of code only: what a server said is in the findings."""
    worst = max(seen, key=lambda observation: observation.suspicion)
    if worst.suspicion == 0:
        return "it answers as it should."
    return f"{'trouble' if worst.suspicion >= _TROUBLE else 'it answers'}: {worst.note}."
