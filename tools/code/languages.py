"""Which package checks which language; its parsers are imported when it is asked, not before."""

from __future__ import annotations

from tools.code.report import CodeReport, in_order
from tools.code.wire import CheckRequest


def check_in_process(request: CheckRequest) -> CodeReport:
    """The report of a request, in order, from this very process; see `check_code`."""
    try:
        return in_order(_report(request))
    except RecursionError:
        return CodeReport(request.language, not_checked=("every check: it is nested too deeply",))


def _report(request: CheckRequest) -> CodeReport:
    if request.language == "bash":
        from tools.code.shell.check import check_shell

        return check_shell(request.code)
    if request.language == "python":
        from tools.code.python.check import check_python

        return check_python(request.code)
    if request.language == "sql":
        from tools.code.sql.check import check_sql

        return check_sql(request.code, request.dialect)
    if request.language == "promql":
        from tools.code.promql.check import check_promql

        return check_promql(request.code)
    if request.language == "systemd":
        from tools.code.systemd.check import check_systemd

        return check_systemd(request.code)
    if request.language == "nginx":
        from tools.code.nginx.check import check_nginx

        return check_nginx(request.code)
    return _documents_report(request)


def _documents_report(request: CheckRequest) -> CodeReport:
    if request.language == "kubernetes":
        from tools.code.kubernetes.check import check_kubernetes

        return check_kubernetes(request.code, request.kubernetes_version)
    if request.language == "ansible":
        from tools.code.ansible.check import check_ansible

        return check_ansible(request.code)
    from tools.code.documents.check import check_yaml

    return check_yaml(request.code)
