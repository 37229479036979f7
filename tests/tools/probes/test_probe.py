from __future__ import annotations

import socket
from collections.abc import Callable
from threading import Barrier

import pytest

from tests.tools.probes.servers import answering, closed_port, http_answer, tcp_server
from tools.probes.allow import AllowList
from tools.probes.probe import MAX_CHECKS, probe, run_checks
from tools.result import Status

LOOPBACK = AllowList.parse(["127.0.0.1:*"])


@pytest.mark.parametrize(
    "target",
    ["http://127.0.0.1:{port}/", "127.0.0.1:{port}", "tls://127.0.0.1:{port}", "localhost:{port}"],
)
def test_nothing_is_reached_without_an_allow_list(target: str) -> None:
    with tcp_server() as server:
        result = probe(target.format(port=server.port), AllowList())
    assert result.status is Status.ERROR
    assert "[probes] allow" in result.summary
    assert server.num_connections == 0


def test_loopback_is_not_allowed_by_a_wide_network() -> None:
    with tcp_server() as server:
        result = probe(f"127.0.0.1:{server.port}", AllowList.parse(["0.0.0.0/0:*", "*.internal"]))
    assert result.status is Status.ERROR
    assert server.num_connections == 0


def test_what_is_no_target_is_an_error_with_what_to_write() -> None:
    result = probe("rm -rf /", LOOPBACK)
    assert result.status is Status.ERROR
    assert "write https://host/path" in result.summary


class Cancelled(Exception):
    pass


def nth_call_raises(number: int) -> Callable[[], None]:
    calls = iter(range(1, number))

    def checkpoint() -> None:
        if next(calls, None) is None:
            raise Cancelled

    return checkpoint


@pytest.mark.parametrize("number", [1, 2, 3])
def test_a_probe_can_be_cancelled_between_its_steps(number: int) -> None:
    with tcp_server(answering(http_answer("200 OK", "x" * 100_000))) as server:
        target = f"http://127.0.0.1:{server.port}/"
        with pytest.raises(Cancelled):
            probe(target, LOOPBACK, checkpoint=nth_call_raises(number))
    assert server.num_connections == min(number - 1, 1)


def test_checks_are_made_at_once_and_the_worst_comes_first() -> None:
    with tcp_server(answering(http_answer("200 OK"))) as healthy:
        result = run_checks(
            {
                "api": f"http://127.0.0.1:{healthy.port}/",
                "db": f"127.0.0.1:{closed_port()}",
                "metadata": "http://169.254.169.254/",
            },
            LOOPBACK,
        )
    assert result.status is Status.OK
    assert [finding.suspicion for finding in result.findings] == [0.9, 0.0]
    summary = result.summary.splitlines()
    assert summary[0] == (
        f"Check api: Probed http://127.0.0.1:{healthy.port}/: it answers as it should."
    )
    assert summary[1].startswith("Check db: ")
    assert "trouble: nothing listens on this port." in summary[1]
    assert summary[2].startswith("Check metadata: 169.254.169.254:80 was not probed")


def test_checks_wait_side_by_side() -> None:
    """Each server answers only when all have been asked."""
    num_checks = 4
    together = Barrier(num_checks)

    def serve(connection: socket.socket) -> None:
        together.wait(timeout=10)
        connection.sendall(http_answer("200 OK"))

    with tcp_server(serve) as server:
        checks = {f"c{n}": f"http://127.0.0.1:{server.port}/{n}" for n in range(num_checks)}
        result = run_checks(checks, LOOPBACK, timeout_s=10)
    assert len(result.findings) == num_checks
    assert max(finding.suspicion for finding in result.findings) == 0


def test_too_many_checks_are_cut_and_counted() -> None:
    with tcp_server() as server:
        checks = {f"c{n}": f"127.0.0.1:{server.port}" for n in range(MAX_CHECKS + 3)}
        result = run_checks(checks, LOOPBACK)
    assert result.omitted == 3
    assert len(result.findings) == MAX_CHECKS


def test_checks_that_are_all_refused_are_an_error() -> None:
    assert run_checks({"a": "http://a.internal/"}, AllowList()).status is Status.ERROR


def test_no_checks() -> None:
    assert run_checks({}, LOOPBACK).status is Status.NO_DATA
