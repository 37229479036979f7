from __future__ import annotations

import asyncio
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from assistant.chat.failures import Failure
from assistant.chat.servers import Pacing, Server, Servers

BROKEN = Failure("broken", "answered with status 500")
UNREACHABLE = Failure("unreachable", "could not be reached")


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


def three(clock: Clock, **pacing: float) -> Servers:
    return Servers(["a", "b", "c"], Pacing(**pacing), clock, random.Random(7))


def busy(seconds: float) -> Failure:
    return Failure("busy", "takes no more requests", seconds)


def chosen(servers: Servers, *tried: Server) -> str:
    server = servers.choose(tried)
    return server.url if server else ""


def test_the_server_with_the_least_to_do_is_chosen(clock: Clock) -> None:
    servers = three(clock)
    a, b, c = servers.all
    with servers.request(a), servers.request(a), servers.request(b), servers.request(c):
        b.latency_s, c.latency_s = 0.2, 0.1
        a.latency_s = 0.001
        assert chosen(servers) == "c"
        with servers.request(c):
            assert chosen(servers) == "b"
    assert chosen(servers) == "a"
    assert [server.num_in_flight for server in servers.all] == [0, 0, 0]


def test_load_is_given_back_when_a_request_fails(clock: Clock) -> None:
    servers = three(clock)
    with pytest.raises(ValueError, match="x"), servers.request(servers.all[0]):
        raise ValueError("x")
    assert servers.all[0].num_in_flight == 0


def test_latency_is_smoothed(clock: Clock) -> None:
    servers = three(clock)
    a = servers.all[0]
    for taken_s in (1.0, 2.0):
        with servers.request(a) as lease:
            clock.now += taken_s
            lease.answered()
    assert a.latency_s == pytest.approx(1.2)


def test_failure_takes_a_server_out_for_a_growing_jittered_time(clock: Clock) -> None:
    servers = three(clock, first_out_s=1.0, longest_out_s=8.0)
    a = servers.all[0]
    outs = []
    for _ in range(40):
        servers.failed(a, BROKEN)
        outs.append(a.out_until - clock.now)
        assert not a.is_open(clock.now)
        clock.now = a.out_until
        assert a.is_open(clock.now)
    for number, out_s in enumerate(outs):
        base = min(2.0**number, 8.0)
        assert 0.75 * base <= out_s <= 1.25 * base
    assert len(set(outs[5:])) > 30


def test_failures_of_one_moment_count_as_one(clock: Clock) -> None:
    servers = three(clock, first_out_s=1.0)
    a = servers.all[0]
    for _ in range(30):
        servers.failed(a, BROKEN)
    assert a.num_failures == 1
    assert a.out_until - clock.now <= 1.25


def test_after_a_failure_one_request_alone_tries_the_server(clock: Clock) -> None:
    servers = three(clock)
    a, b, c = servers.all
    servers.failed(a, BROKEN)
    with servers.request(b), servers.request(c):
        clock.now = a.out_until
        assert chosen(servers) == "a"
        with servers.request(a) as lease:
            assert chosen(servers) in "bc"
            lease.answered()
            with servers.request(b), servers.request(c):
                assert chosen(servers) == "a"


def test_answer_that_began_before_a_failure_does_not_show_that_the_server_is_well(
    clock: Clock,
) -> None:
    servers = three(clock)
    a = servers.all[0]
    with servers.request(a) as lease:
        clock.now += 1
        servers.failed(a, BROKEN)
        lease.answered()
    assert not a.is_open(clock.now)


def test_time_that_a_server_asked_for_is_kept(clock: Clock) -> None:
    servers = three(clock, longest_out_s=4.0)
    a, b, c = servers.all
    servers.failed(a, busy(100.0))
    servers.failed(a, BROKEN)
    servers.failed(a, busy(1.0))
    servers.reachable(a)
    clock.now += 99.9
    assert chosen(servers, b, c) == ""
    clock.now += 0.2
    assert chosen(servers, b, c) == "a"


def test_busy_server_stays_busy_whatever_else_its_requests_say(clock: Clock) -> None:
    servers = three(clock)
    a, b, c = servers.all
    servers.failed(a, busy(0.0))
    for _ in range(30):
        # Each is out for another time, some for longer than it is busy.
        servers.failed(a, BROKEN)
    assert chosen(servers, b, c) == ""


def test_busy_server_that_gives_no_time_is_left_alone_all_the_same(clock: Clock) -> None:
    servers = three(clock, first_out_s=1.0)
    a, b, c = servers.all
    servers.failed(a, busy(0.0))
    assert chosen(servers, b, c) == ""
    assert 0.75 <= (servers.seconds_to_wait((b, c)) or 0.0) <= 1.25 * 1.25


def test_wait_is_for_the_first_busy_server_and_not_the_same_for_all(clock: Clock) -> None:
    servers = three(clock)
    a, b, c = servers.all
    assert servers.seconds_to_wait(()) is None
    servers.failed(a, busy(30.0))
    servers.failed(b, busy(10.0))
    servers.failed(c, BROKEN)
    waits = {servers.seconds_to_wait(()) for _ in range(20)}
    assert all(wait is not None and 10.0 <= wait <= 12.5 for wait in waits)
    assert len(waits) == 20
    assert (servers.seconds_to_wait((b,)) or 0.0) >= 30.0
    assert servers.seconds_to_wait((a, b)) is None


def test_without_an_open_server_one_that_is_out_is_tried_early(clock: Clock) -> None:
    servers = three(clock)
    a, b, c = servers.all
    servers.failed(a, busy(5.0))
    servers.failed(b, BROKEN)
    servers.failed(b, BROKEN)
    servers.failed(c, UNREACHABLE)
    b.out_until = c.out_until + 1
    assert chosen(servers) == "c"
    assert chosen(servers, c) == "b"
    assert chosen(servers, b, c) == ""


def test_server_that_can_be_reached_again_may_be_tried(clock: Clock) -> None:
    servers = three(clock, first_out_s=50.0)
    a, b, c = servers.all
    servers.failed(a, UNREACHABLE)
    servers.failed(b, BROKEN)
    for server in servers.all:
        servers.reachable(server)
    assert [server.is_open(clock.now) for server in (a, b, c)] == [True, False, True]


@given(st.lists(st.sampled_from(["ask", "end", "fail", "pass"]), max_size=60), st.integers(1, 5))
def test_load_is_spread_evenly_whatever_happens(steps: list[str], num_servers: int) -> None:
    clock = Clock()
    urls = [str(number) for number in range(num_servers)]
    servers = Servers(urls, Pacing(), clock, random.Random(1))
    running = []
    for step in steps:
        if step == "ask":
            server = servers.choose(())
            assert server is not None
            is_open = server.is_open(clock.now)
            others = [s.num_in_flight for s in servers.all if s.is_open(clock.now)]
            assert is_open or not others
            assert not others or server.num_in_flight == min(others)
            request = servers.request(server)
            running.append((request, request.__enter__()))
        elif step == "pass":
            clock.now += 0.5
        elif running:
            request, lease = running.pop(0)
            if step == "fail":
                lease.failed(BROKEN)
            else:
                lease.answered()
            request.__exit__(None, None, None)
    assert sum(server.num_in_flight for server in servers.all) == len(running)


async def test_abandoned_server_is_waited_for_no_longer() -> None:
    server = Server("a")

    async def wait() -> None:
        async with asyncio.timeout(None) as limit:
            server.waiting.add(limit)
            await asyncio.Event().wait()

    task = asyncio.create_task(wait())
    await asyncio.sleep(0)
    server.abandon()
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(5):
            await task
