"""From an order to what came of it: the real assistant, a real supervisord, a scripted model."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from contextlib import AbstractAsyncContextManager, aclosing, asynccontextmanager
from pathlib import Path
from typing import Protocol

import pytest
from pydantic import SecretStr

from assistant.acting.office import open_office
from assistant.approvals.person import Person, system_person
from assistant.chat.local import LocalChatModel
from assistant.events import (
    ApprovalRequested,
    ApprovalResolved,
    Event,
    ToolFinished,
    ToolStarted,
    TurnFailed,
    TurnFinished,
    TurnStarted,
)
from assistant.interface import AskRequest, Assistant, DecideRequest, OrderRequest
from assistant.local import open_local_assistant
from assistant.settings import (
    AgentSettings,
    ApprovalsSettings,
    DataSettings,
    HostSettings,
    ServicesSettings,
    Settings,
)
from tests.assistant.chat.scripted import ScriptedEngine
from tests.assistant.serving import PLACES
from tests.tools.services.supervised import Supervised, await_state, supervised
from tools.errors import ActionRefused, InvalidQuery, UnknownService
from tools.services.control import ServiceAction

STEADY = "import time\nprint('INFO up', flush=True)\ntime.sleep(1000)\n"
# It runs, and goes on complaining of what a restart does not mend.
COMPLAINING = (
    "import time\nwhile True:\n    print('ERROR cannot reach the database', flush=True)\n"
    "    time.sleep(0.2)\n"
)
INSTEAD = "**Answer** [S1]: It says that it cannot reach the database."
ME = system_person("cli")


@pytest.fixture(scope="module")
def shop() -> Iterator[Supervised]:
    with supervised({"checkout": (STEADY, ""), "cart": (COMPLAINING, "")}) as running:
        yield running


@pytest.fixture
def settings(shop: Supervised, tmp_path: Path) -> Settings:
    for name in ("checkout", "cart"):
        if shop.control.state(name).state != "RUNNING":
            shop.control.act(ServiceAction("start", "supervisor", name))
        await_state(shop.control, name, "RUNNING")
    return Settings(
        data=DataSettings(dir=tmp_path / "data"),
        agent=AgentSettings(max_drilldowns=0),
        host=HostSettings(look=False),
        services=ServicesSettings(
            supervisor=SecretStr(shop.url),
            allow=("supervisor:*:restart,stop",),
            protected=("postgres",),
            cooldown="0s",
            watch_s=0.5,
        ),
    )


class Opened(Protocol):
    def __call__(
        self, settings: Settings, *script: str
    ) -> AbstractAsyncContextManager[Assistant]: ...


@pytest.fixture(params=PLACES)
def opened(request: pytest.FixtureRequest) -> Opened:
    """Opens the assistant with a scripted model, in this process or behind a server."""
    place = PLACES[request.param]

    @asynccontextmanager
    async def open_it(settings: Settings, *script: str) -> AsyncIterator[Assistant]:
        async def load(_: Settings) -> LocalChatModel:
            return LocalChatModel(engine=ScriptedEngine(*script))

        async with (
            open_local_assistant(settings, load) as assistant,
            place(assistant, settings.data.dir) as placed,
        ):
            yield placed

    return open_it


async def ask(assistant: Assistant, question: str) -> TurnFinished:
    async with aclosing(assistant.ask(AskRequest(question))) as events:
        return finished([event async for event in events])


async def decide(assistant: Assistant, request: DecideRequest) -> list[Event]:
    async with aclosing(assistant.decide(request)) as events:
        return [event async for event in events]


def finished(events: list[Event]) -> TurnFinished:
    assert isinstance(events[-1], TurnFinished), events[-1]
    return events[-1]


async def test_nothing_happens_before_somebody_agrees(
    opened: Opened, settings: Settings, shop: Supervised
) -> None:
    before = shop.control.state("checkout").pid
    async with opened(settings) as assistant:
        asked = await ask(assistant, "restart checkout")
        [approval] = asked.approvals
        assert (asked.outcome, approval.status) == ("needs_approval", "pending")
        assert shop.control.state("checkout").pid == before

        events = await decide(assistant, DecideRequest(approval.id, "approved", ME))
        decided = finished(events)
        assert shop.control.state("checkout").pid != before
        assert decided.approvals[0].outcome == "worked"
        assert "**It worked**" in decided.answer
        assert decided.session == asked.session
        kinds = [type(event) for event in events]
        assert kinds[0] is TurnStarted
        assert kinds.index(ToolStarted) < kinds.index(ToolFinished) < kinds.index(ApprovalResolved)
        [info] = await assistant.sessions()
        assert info.num_turns == 2


async def test_a_pending_approval_outlives_the_process_that_asked(
    opened: Opened, settings: Settings, shop: Supervised
) -> None:
    before = shop.control.state("checkout").pid
    async with opened(settings) as assistant:
        [approval] = (await ask(assistant, "restart checkout")).approvals
    async with opened(settings) as another:
        [listed] = await another.approvals()
        assert (listed.id, listed.status) == (approval.id, "pending")
        await decide(another, DecideRequest(approval.id, "approved", ME))
    assert shop.control.state("checkout").pid != before


async def test_a_second_click_changes_nothing(
    opened: Opened, settings: Settings, shop: Supervised
) -> None:
    async with opened(settings) as assistant:
        [approval] = (await ask(assistant, "restart checkout")).approvals
        await decide(assistant, DecideRequest(approval.id, "approved", ME))
        pid = shop.control.state("checkout").pid
        [*_, ended] = await decide(assistant, DecideRequest(approval.id, "approved", ME))
        assert isinstance(ended, TurnFailed)
        assert "is approved by" in ended.message
    assert shop.control.state("checkout").pid == pid


async def test_what_was_approved_before_a_crash_can_still_be_done_once(
    opened: Opened, settings: Settings, shop: Supervised
) -> None:
    async with opened(settings) as assistant:
        approval = await assistant.order(OrderRequest("restart", "checkout", ME))
    with open_office(settings, str) as office:
        # The process is gone between the decision and the claim.
        office.desk.approve(approval.id, ME)
    before = shop.control.state("checkout").pid
    async with opened(settings) as assistant:
        other = DecideRequest(approval.id, "approved", Person("cli", "somebody-else"))
        assert isinstance((await decide(assistant, other))[-1], TurnFailed)
        assert shop.control.state("checkout").pid == before
        request = DecideRequest(approval.id, "approved", ME)
        assert finished(await decide(assistant, request)).approvals[0].outcome == "worked"
        after = shop.control.state("checkout").pid
        assert after != before
        assert isinstance((await decide(assistant, request))[-1], TurnFailed)
    assert shop.control.state("checkout").pid == after


async def test_an_act_goes_on_when_nobody_listens_any_more(
    opened: Opened, settings: Settings, shop: Supervised
) -> None:
    before = shop.control.state("checkout").pid
    async with opened(settings) as assistant:
        approval = await assistant.order(OrderRequest("restart", "checkout", ME))
        request = DecideRequest(approval.id, "approved", ME)
        async with aclosing(assistant.decide(request)) as events:
            async for event in events:
                if isinstance(event, ToolStarted):
                    break
    # Closing waited for the act.
    async with opened(settings) as another:
        [kept] = await another.approvals()
    assert kept.outcome == "done"
    assert shop.control.state("checkout").pid != before


async def test_a_rejection_is_told_to_the_model_and_the_turn_goes_on(
    settings: Settings, shop: Supervised
) -> None:
    before = shop.control.state("checkout").pid
    engine = ScriptedEngine(INSTEAD)

    async def load(_: Settings) -> LocalChatModel:
        return LocalChatModel(engine=engine)

    async with open_local_assistant(settings, load) as assistant:
        [approval] = (await ask(assistant, "restart checkout")).approvals
        request = DecideRequest(approval.id, "rejected", ME, "customers are ordering")
        decided = finished(await decide(assistant, request))
    [asked] = engine.requests
    assert "customers are ordering" in "".join(segment.text for segment in asked.prompt)
    assert decided.answer.startswith(f"**Rejected** `{approval.id}`")
    assert "**Answer** [S1]" in decided.answer
    assert shop.control.state("checkout").pid == before


async def test_a_rejection_without_going_on_asks_no_model(
    opened: Opened, settings: Settings
) -> None:
    async with opened(settings) as assistant:
        [approval] = (await ask(assistant, "restart checkout")).approvals
        request = DecideRequest(approval.id, "rejected", ME, goes_on=False)
        decided = finished(await decide(assistant, request))
        assert decided.approvals[0].status == "rejected"
        assert decided.usage.model_calls == 0


async def test_what_did_not_help_makes_the_model_go_on(opened: Opened, settings: Settings) -> None:
    async with opened(settings, INSTEAD) as assistant:
        [approval] = (await ask(assistant, "restart cart")).approvals
        decided = finished(await decide(assistant, DecideRequest(approval.id, "approved", ME)))
    assert decided.approvals[0].outcome == "did_not_help"
    assert "**It did not help**" in decided.answer
    assert "ERROR cannot reach the database" in decided.answer
    assert decided.usage.model_calls == 1


async def test_who_may_not_decide_changes_nothing(
    opened: Opened, settings: Settings, shop: Supervised
) -> None:
    before = shop.control.state("checkout").pid
    async with opened(settings) as assistant:
        [approval] = (await ask(assistant, "restart checkout")).approvals
        stranger = Person("slack", "U0STRANGER")
        [*_, ended] = await decide(assistant, DecideRequest(approval.id, "approved", stranger))
        assert isinstance(ended, TurnFailed)
        assert "may not decide" in ended.message
        [listed] = await assistant.approvals()
        assert listed.status == "pending"
    assert shop.control.state("checkout").pid == before


async def test_two_people_have_to_agree_where_the_settings_say_so(
    opened: Opened, settings: Settings, shop: Supervised
) -> None:
    before = shop.control.state("checkout").pid
    both = settings.model_copy(
        update={"approvals": ApprovalsSettings(two_person=("restart_service",))}
    )
    async with opened(both) as assistant:
        [approval] = (await ask(assistant, "restart checkout")).approvals
        first = finished(await decide(assistant, DecideRequest(approval.id, "approved", ME)))
        assert (first.outcome, first.approvals[0].status) == ("needs_approval", "pending")
        assert shop.control.state("checkout").pid == before
        other = Person("cli", "somebody-else")
        second = finished(await decide(assistant, DecideRequest(approval.id, "approved", other)))
        assert second.approvals[0].outcome == "worked"
    assert shop.control.state("checkout").pid != before


async def test_settings_that_changed_meanwhile_have_the_last_word(
    opened: Opened, settings: Settings, shop: Supervised
) -> None:
    before = shop.control.state("checkout").pid
    async with opened(settings) as assistant:
        [approval] = (await ask(assistant, "restart checkout")).approvals
    services = settings.services.model_copy(update={"protected": ("checkout",)})
    async with opened(settings.model_copy(update={"services": services})) as assistant:
        decided = finished(await decide(assistant, DecideRequest(approval.id, "approved", ME)))
    assert decided.approvals[0].outcome == "refused"
    assert "is protected" in decided.answer
    assert shop.control.state("checkout").pid == before


async def test_an_order_by_name_waits_like_any_other(opened: Opened, settings: Settings) -> None:
    async with opened(settings) as assistant:
        approval = await assistant.order(OrderRequest("restart", "checkout", ME))
        assert approval.status == "pending"
        assert approval.request.suggested_by == ()
        decided = finished(await decide(assistant, DecideRequest(approval.id, "approved", ME)))
        assert decided.approvals[0].outcome == "worked"
        # It belongs to no conversation.
        assert await assistant.sessions() == []


@pytest.mark.parametrize(
    ("service", "verb", "error"),
    [
        ("chekout", "restart", UnknownService),
        ("c", "restart", UnknownService),
        ("checkout", "start", ActionRefused),
        ("checkout", "scale", InvalidQuery),
    ],
)
async def test_an_order_that_cannot_be_is_refused(
    opened: Opened, settings: Settings, service: str, verb: str, error: type[Exception]
) -> None:
    async with opened(settings) as assistant:
        with pytest.raises(error):
            await assistant.order(OrderRequest(verb, service, ME))  # type: ignore[arg-type]
        assert await assistant.approvals() == []


async def test_the_proposal_is_an_event(opened: Opened, settings: Settings) -> None:
    async with (
        opened(settings) as assistant,
        aclosing(assistant.ask(AskRequest("restart checkout"))) as events,
    ):
        told = [event async for event in events]
    [requested] = [event for event in told if isinstance(event, ApprovalRequested)]
    assert requested.approval.effect
    assert requested.approval.arguments == {"backend": "supervisor", "service": "checkout"}
