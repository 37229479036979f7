"""Health checks of services: the probes of `[probes] checks` that carry a service's name."""

from __future__ import annotations

from assistant.acting.performing import HealthChecks
from tools.scope import ProbePlan
from tools.services.control import ServiceAction
from tools.services.names import short_name
from tools.services.report import Health, HealthCheck

# From here on what a probe saw is trouble.
_TROUBLE = 0.3


def health_checks(plan: ProbePlan | None) -> HealthChecks:
    """What finds the health check of an action's service; none where the settings name none."""

    def check_of(action: ServiceAction) -> HealthCheck | None:
        target = _target(plan, action.service)
        if plan is None or target is None:
            return None
        return lambda: _health(plan, target)

    return check_of


def _target(plan: ProbePlan | None, service: str) -> str | None:
    if plan is None:
        return None
    return plan.checks.get(service, plan.checks.get(short_name(service)))


def _health(plan: ProbePlan, target: str) -> Health:
    from tools.probes.probe import probe
    from tools.result import Status

    result = probe(target, plan.allow, timeout_s=plan.timeout_s, ca_file=plan.ca_file)
    worst = max((finding.suspicion for finding in result.findings), default=0.0)
    is_well = result.status is Status.OK and worst < _TROUBLE
    return Health(is_well, result.summary.rstrip("."), result.findings)
