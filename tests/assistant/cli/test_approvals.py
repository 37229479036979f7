"""Acting from the command line: a real supervisord, and nobody at a terminal."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.assistant.cli.program import Ran
from tests.tools.services.supervised import Supervised, await_state, supervised
from tools.services.control import ServiceAction

Midwatch = Callable[..., Ran]
STEADY = "import time\nprint('INFO up password=hunter2hunter2', flush=True)\ntime.sleep(1000)\n"


@pytest.fixture(scope="module")
def shop() -> Iterator[Supervised]:
    with supervised({"checkout": (STEADY, ""), "db": (STEADY, "")}) as running:
        running.control.act(ServiceAction("start", "supervisor", "checkout"))
        await_state(running.control, "checkout", "RUNNING")
        yield running


@pytest.fixture
def settled(shop: Supervised, tmp_path: Path) -> Supervised:
    (tmp_path / "midwatch.toml").write_text(
        f'[services]\nsupervisor = "{shop.url}"\nallow = ["supervisor:checkout"]\n'
        'protected = ["db"]\ncooldown = "0s"\nwatch_s = 0.5\n'
    )
    return shop


def pid(shop: Supervised) -> int | None:
    return shop.control.state("checkout").pid


def test_an_order_waits_until_it_is_approved(midwatch: Midwatch, settled: Supervised) -> None:
    before = pid(settled)
    ordered = midwatch("services", "restart", "checkout", "--json")
    assert ordered.status == 3
    approval = json.loads(ordered.out)
    assert (approval["status"], approval["action"]) == ("pending", "restart_service")
    assert pid(settled) == before

    listed = midwatch("approvals", "list")
    assert approval["id"] in listed.out
    assert "restart checkout (supervisor)" in listed.out
    assert "asked by" in midwatch("approvals", "show", approval["id"]).out

    done = midwatch("approvals", "approve", approval["id"])
    assert done.status == 0
    assert "**It worked**" in done.out
    assert pid(settled) != before

    again = midwatch("approvals", "approve", approval["id"])
    assert again.status == 1
    assert "nothing was changed" in again.said
    assert midwatch("approvals", "list").err == "Nothing waits for a decision.\n"
    [kept] = json.loads(midwatch("approvals", "list", "--all", "--json").out)["approvals"]
    assert kept["outcome"] == "done"

    told = midwatch("audit", "show", "--json").out
    kinds = [record["kind"] for record in json.loads(told)["records"]]
    assert kinds[-4:] == ["requested", "approved", "started", "finished"]
    assert midwatch("audit", "verify").status == 0
    # What the service logged before it was acted on is kept, and holds no secret.
    [saved] = (Path.cwd() / "data" / "saved-logs").iterdir()
    assert "INFO up password=" in saved.read_text()
    assert "hunter2hunter2" not in saved.read_text() + told + done.out


def test_a_person_who_says_so_has_it_done_at_once(midwatch: Midwatch, settled: Supervised) -> None:
    before = pid(settled)
    assert midwatch("services", "restart", "checkout", "--yes").status == 0
    assert pid(settled) != before


def test_a_rejected_order_is_never_done(midwatch: Midwatch, settled: Supervised) -> None:
    before = pid(settled)
    approval = json.loads(midwatch("services", "restart", "checkout", "--json").out)["id"]
    rejected = midwatch("approvals", "reject", approval, "--reason", "not now")
    assert rejected.status == 0
    assert "Nothing was done." in rejected.out
    assert midwatch("approvals", "approve", approval).status == 1
    assert pid(settled) == before


@pytest.mark.parametrize(
    ("service", "said"),
    [
        ("db", "db is protected"),
        ("chekout", "did you mean checkout?"),
        ("checkout; rm -rf /", "there is no service"),
        ("--all", "No such option"),
    ],
)
def test_what_cannot_be_ordered_is_refused(
    midwatch: Midwatch, settled: Supervised, service: str, said: str
) -> None:
    refused = midwatch("services", "restart", service)
    assert refused.status in (1, 2)
    assert said in refused.said
    assert json.loads(midwatch("approvals", "list", "-a", "--json").out) == {"approvals": []}


def test_a_question_that_orders_exits_as_waiting(midwatch: Midwatch, settled: Supervised) -> None:
    asked = midwatch("ask", "please restart checkout", "--json")
    assert asked.status == 3
    answer = json.loads(asked.out)
    assert answer["outcome"] == "needs_approval"
    assert answer["tool_calls"][-1]["status"] == "needs_approval"
    [approval] = answer["approvals"]
    assert approval["arguments"] == {"backend": "supervisor", "service": "checkout"}


def test_an_unknown_approval_is_said(midwatch: Midwatch) -> None:
    ran = midwatch("approvals", "approve", "a-zzzzzz")
    assert ran.status == 1
    assert "a-zzzzzz" in ran.said
    assert midwatch("approvals", "show", "a-zzzzzz").status == 1
