"""One call for many who ask at once, and nothing that is old, changed or failed."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from assistant.agent.arguments import ACTIONS, TOOL_NAMES
from assistant.answers.tool_results import SHAREABLE, ToolResults, call_key
from tools.result import Status, ToolResult

FOUND = ToolResult(Status.OK, "found")
NOTHING = ToolResult(Status.NO_DATA, "nothing")
FAILED = ToolResult(Status.ERROR, "the server does not answer")


class Clock:
    """A clock that a test moves."""

    def __init__(self) -> None:
        self.now = 50.0

    def __call__(self) -> float:
        return self.now


class Tool:
    """A tool that counts its runs, and waits when it is told to."""

    def __init__(self, *results: ToolResult | Exception) -> None:
        self.results = list(results)
        self.num_runs = 0
        self.may_end = asyncio.Event()
        self.may_end.set()

    async def __call__(self) -> ToolResult:
        self.num_runs += 1
        await self.may_end.wait()
        result = self.results.pop(0) if len(self.results) > 1 else self.results[0]
        if isinstance(result, Exception):
            raise result
        return result


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def results(clock: Clock) -> ToolResults:
    return ToolResults(5.0, clock)


async def begun(*work: Awaitable[ToolResult]) -> list[asyncio.Task[ToolResult]]:
    """The calls as tasks, each of which has got as far as it can."""
    tasks = [asyncio.ensure_future(one) for one in work]
    for _ in range(5):
        await asyncio.sleep(0)
    return tasks


async def ended(*tasks: asyncio.Task[ToolResult]) -> list[ToolResult]:
    """What came of the tasks; a call that nobody answers fails the test."""
    async with asyncio.timeout(10):
        return [await task for task in tasks]


@pytest.mark.parametrize("result", [FOUND, NOTHING])
async def test_a_result_is_given_again_for_its_life(
    result: ToolResult, results: ToolResults, clock: Clock
) -> None:
    tool = Tool(result)
    assert await results.get("k", tool) is result
    clock.now += 4.9
    assert await results.get("k", tool) is result
    assert tool.num_runs == 1
    clock.now += 0.1
    await results.get("k", tool)
    assert tool.num_runs == 2
    await results.get("other", tool)
    assert tool.num_runs == 3
    assert (results.counts.num_run, results.counts.num_given) == (3, 1)


async def test_who_asks_the_same_meanwhile_waits_for_the_first(results: ToolResults) -> None:
    tool = Tool(FOUND)
    tool.may_end.clear()
    tasks = await begun(*(results.get("k", tool) for _ in range(20)))
    tool.may_end.set()
    assert await ended(*tasks) == [FOUND] * 20
    assert tool.num_runs == 1
    assert (results.counts.num_run, results.counts.num_waited) == (1, 19)


async def test_different_calls_do_not_wait_for_each_other(results: ToolResults) -> None:
    slow, quick = Tool(FOUND), Tool(NOTHING)
    slow.may_end.clear()
    [task] = await begun(results.get("slow", slow))
    assert await results.get("quick", quick) is NOTHING
    slow.may_end.set()
    assert await task is FOUND


async def test_an_error_goes_to_those_who_waited_and_to_nobody_after(results: ToolResults) -> None:
    tool = Tool(FAILED, FOUND)
    tool.may_end.clear()
    tasks = await begun(*(results.get("k", tool) for _ in range(5)))
    tool.may_end.set()
    assert await ended(*tasks) == [FAILED] * 5
    assert await results.get("k", tool) is FOUND
    assert tool.num_runs == 2


async def test_what_needs_approval_is_never_given_again(results: ToolResults) -> None:
    tool = Tool(ToolResult(Status.NEEDS_APPROVAL, "waiting"))
    await results.get("k", tool)
    await results.get("k", tool)
    assert tool.num_runs == 2


async def test_when_the_first_is_cancelled_the_next_goes_on(results: ToolResults) -> None:
    first, second = Tool(NOTHING), Tool(FOUND)
    first.may_end.clear()
    second.may_end.clear()
    calls = (results.get("k", first), *(results.get("k", second) for _ in range(4)))
    leader, *waiting = await begun(*calls)
    leader.cancel()
    with pytest.raises(asyncio.CancelledError):
        await leader
    second.may_end.set()
    assert await ended(*waiting) == [FOUND] * 4
    assert (first.num_runs, second.num_runs) == (1, 1)
    assert (results.counts.num_run, results.counts.num_waited) == (2, 4)


async def test_who_waits_and_is_cancelled_disturbs_nobody(results: ToolResults) -> None:
    tool = Tool(FOUND)
    tool.may_end.clear()
    first, second, third = await begun(*(results.get("k", tool) for _ in range(3)))
    second.cancel()
    await asyncio.wait([second])
    assert second.cancelled()
    tool.may_end.set()
    assert await ended(first, third) == [FOUND, FOUND]
    assert tool.num_runs == 1


async def test_what_breaks_breaks_for_its_own_turn_only(results: ToolResults) -> None:
    broken, sound = Tool(RuntimeError("broken")), Tool(FOUND)
    broken.may_end.clear()
    first, second = await begun(results.get("k", broken), results.get("k", sound))
    broken.may_end.set()
    with pytest.raises(RuntimeError, match="broken"):
        await first
    assert await ended(second) == [FOUND]


async def test_after_a_change_everything_is_looked_at_again(results: ToolResults) -> None:
    before, after = Tool(NOTHING), Tool(FOUND)
    assert await results.get("old", before) is NOTHING
    before.may_end.clear()
    [running] = await begun(results.get("k", before))
    results.forget()
    assert await results.get("old", after) is FOUND
    assert await ended(*await begun(results.get("k", after))) == [FOUND]
    before.may_end.set()
    assert await running is NOTHING
    assert await results.get("k", after) is FOUND
    assert after.num_runs == 2


async def test_one_that_began_before_a_change_takes_no_place(results: ToolResults) -> None:
    before, after = Tool(NOTHING), Tool(FOUND)
    before.may_end.clear()
    after.may_end.clear()
    [old] = await begun(results.get("k", before))
    results.forget()
    [new] = await begun(results.get("k", after))
    before.may_end.set()
    assert await old is NOTHING
    [joined] = await begun(results.get("k", Tool(FAILED)))
    after.may_end.set()
    assert await ended(new, joined) == [FOUND, FOUND]


async def test_it_never_holds_more_than_the_most(clock: Clock) -> None:
    results = ToolResults(5.0, clock, max_results=3)
    for number in range(10):
        await results.get(f"k{number}", Tool(FOUND))
        clock.now += 0.1
    assert len(results) == 3
    again = Tool(FOUND)
    await results.get("k9", again)
    assert again.num_runs == 0


async def test_what_is_over_is_let_go_of(results: ToolResults, clock: Clock) -> None:
    for number in range(10):
        await results.get(f"k{number}", Tool(FOUND))
    clock.now += 5
    await results.get("new", Tool(FOUND))
    assert len(results) == 1


async def test_a_clock_that_is_set_back_gives_nothing_again(
    results: ToolResults, clock: Clock
) -> None:
    tool = Tool(FOUND)
    await results.get("k", tool)
    clock.now -= 10
    await results.get("k", tool)
    assert tool.num_runs == 2


def test_only_tools_that_look_are_shared() -> None:
    assert not SHAREABLE & set(ACTIONS)
    assert set(TOOL_NAMES) - set(ACTIONS) <= SHAREABLE
    for name in ACTIONS:
        assert call_key("live", name, {}) is None
    assert call_key("live", "something_new", {}) is None
    assert call_key("", "list_services", {}) is None


ARGUMENTS = st.dictionaries(
    st.text(max_size=5), st.one_of(st.text(max_size=5), st.integers(), st.booleans(), st.none())
)


@given(ARGUMENTS, ARGUMENTS)
def test_the_order_of_arguments_makes_no_difference_and_all_else_does(
    one: dict[str, Any], other: dict[str, Any]
) -> None:
    key: Callable[..., str | None] = call_key
    turned = dict(reversed(one.items()))
    assert key("s", "probe", one) == key("s", "probe", turned)
    is_same = sorted(map(repr, one.items())) == sorted(map(repr, other.items()))
    assert (key("s", "probe", one) == key("s", "probe", other)) == is_same
    assert (
        len({key("s", "probe", one), key("t", "probe", one), key("s", "list_services", one)}) == 3
    )


@given(st.lists(st.tuples(st.sampled_from("abc"), st.booleans(), st.booleans()), max_size=30))
async def test_whatever_is_cancelled_everybody_else_gets_a_result(
    calls: list[tuple[str, bool, bool]],
) -> None:
    results = ToolResults(5.0, lambda: 0.0)
    gate = asyncio.Event()
    at_once = dict.fromkeys("abc", 0)

    async def look(key: str) -> ToolResult:
        at_once[key] += 1
        assert at_once[key] == 1
        try:
            await gate.wait()
        finally:
            at_once[key] -= 1
        return ToolResult(Status.OK, key)

    tasks = []
    for key, is_cancelled, yields in calls:
        task = asyncio.ensure_future(results.get(key, lambda key=key: look(key)))  # type: ignore[misc]
        tasks.append((key, is_cancelled, task))
        if yields:
            await asyncio.sleep(0)
    for _, is_cancelled, task in tasks:
        if is_cancelled:
            task.cancel()
            await asyncio.sleep(0)
    gate.set()
    for key, is_cancelled, task in tasks:
        if is_cancelled:
            await asyncio.wait([task])
        else:
            assert (await asyncio.wait_for(task, 10)).summary == key
