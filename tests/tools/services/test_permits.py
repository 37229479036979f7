from collections.abc import Mapping
from contextlib import suppress

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.tools.services.recording import RecordingControl
from tools.errors import ActionRefused, InvalidQuery, ToolsError
from tools.services.control import VERBS, ServiceAction, Verb
from tools.services.operation import Operation
from tools.services.permits import Permit, Permits, Protection
from tools.services.verification import Timing

SERVICES = ("web", "shop:worker_0", "shop:worker_1", "shop:cart", "db", "prod/api", "prod/api/x")
ALLOW = (
    "supervisor:web:restart,stop,start",
    "supervisor:shop:worker_*",
    "supervisor:prod/*:scale",
    "supervisor:db",
)
PERMITS = Permits.parse(ALLOW, ["db"])


def action(verb: Verb, service: str, replicas: int | None = None) -> ServiceAction:
    return ServiceAction(verb, "supervisor", service, replicas)


ALLOWED = {
    action("restart", "web"),
    action("stop", "web"),
    action("start", "web"),
    action("restart", "shop:worker_0"),
    action("restart", "shop:worker_1"),
    *(action("scale", "prod/api", replicas) for replicas in range(1, 21)),
}


@pytest.mark.parametrize(
    ("entry", "backend", "pattern", "verbs"),
    [
        ("supervisor:web", "supervisor", "web", {"restart"}),
        (" docker:web:stop, start ", "docker", "web", {"stop", "start"}),
        ("supervisor:shop:web", "supervisor", "shop:web", {"restart"}),
        ("supervisor:shop:*:restart,stop", "supervisor", "shop:*", {"restart", "stop"}),
        ("supervisor:shop:restart:restart", "supervisor", "shop:restart", {"restart"}),
        ("systemd:worker@*.service", "systemd", "worker@*.service", {"restart"}),
        ("kubernetes:prod/api-?:scale,delete", "kubernetes", "prod/api-?", {"scale", "delete"}),
    ],
)
def test_an_entry_names_a_manager_services_and_verbs(
    entry: str, backend: str, pattern: str, verbs: set[Verb]
) -> None:
    permit = Permit.parse(entry)
    assert permit == Permit(backend, pattern, frozenset(verbs))


@pytest.mark.parametrize(
    ("entry", "reason"),
    [
        ("", "does not say whose service"),
        ("web", "does not say whose service"),
        ("web:restart", "'web' is none of supervisor, systemd"),
        ("Docker:web", "'Docker' is no service manager"),
        ("*:web", "'\\*' is no service manager"),
        ("docker:", "names no service"),
        ("docker::restart", "names no service"),
        ("docker:web:restrat", "'restrat' is no verb; restart is"),
        ("docker:web:restart,reboot", "'reboot' is none of the verbs"),
        ("docker:web:restart,", "'' is none of the verbs"),
        ("docker:web[12]", "only \\* and \\? are known"),
        ("docker:web db", "only \\* and \\? are known"),
    ],
)
def test_a_bad_entry_says_what_is_wrong_with_it(entry: str, reason: str) -> None:
    with pytest.raises(InvalidQuery, match=reason) as caught:
        Permit.parse(entry)
    assert repr(entry) in caught.value.message
    assert "[services] allow" in caught.value.message
    assert "supervisor:web" in caught.value.hint


@pytest.mark.parametrize(
    "entry", ["", "docker:", "web [x]", "docker:a b", "Docker:db", "dokcer:db"]
)
def test_a_bad_protected_entry_is_refused(entry: str) -> None:
    with pytest.raises(InvalidQuery, match=r"\[services\] protected"):
        Protection.parse(entry)


@pytest.mark.parametrize("max_replicas", [0, -1, 1001])
def test_a_bad_bound_is_refused(max_replicas: int) -> None:
    with pytest.raises(InvalidQuery, match=r"\[services\] max_replicas"):
        Permits.parse([], max_replicas=max_replicas)


@pytest.mark.parametrize(
    ("pattern", "service", "matches"),
    [
        ("web", "web", True),
        ("web", "web2", False),
        ("web", "Web", False),
        ("web*", "web", True),
        ("web*", "web-2", True),
        ("*", "shop:web", False),
        ("*", "prod/web", False),
        ("shop:*", "shop:web", True),
        ("shop:*", "shop:web:x", False),
        ("prod/*", "prod/web", True),
        ("prod/*", "prod/web/x", False),
        ("*/web", "prod/web", True),
        ("web?", "web1", True),
        ("web?", "web", False),
        ("web?", "web:", False),
        ("web.1", "webx1", False),
        ("web*", "web\n", True),
    ],
)
def test_patterns_stay_within_group_and_namespace(
    pattern: str, service: str, matches: bool
) -> None:
    permit = Permit("supervisor", pattern, frozenset(("restart",)))
    assert permit.allows(action("restart", service)) is matches


@pytest.mark.parametrize(
    ("entry", "backend", "service", "covers"),
    [
        ("postgres", "docker", "postgres", True),
        ("postgres", "supervisor", "db:postgres", True),
        ("postgres", "kubernetes", "prod/postgres", True),
        ("postgres", "systemd", "postgres.service", True),
        ("Postgres*", "systemd", "postgresql@15-main.service", True),
        ("postgres", "docker", "postgres-exporter", False),
        ("docker:postgres", "docker", "postgres", True),
        ("docker:postgres", "kubernetes", "prod/postgres", False),
        ("kubernetes:prod*", "kubernetes", "prod/api", True),
        ("shop:*", "supervisor", "shop:web", True),
        ("*", "kubernetes", "prod/api", True),
    ],
)
def test_protection_is_read_widely(entry: str, backend: str, service: str, covers: bool) -> None:
    assert Protection.parse(entry).covers(ServiceAction("restart", backend, service)) is covers


def test_nothing_is_allowed_by_default() -> None:
    control = RecordingControl(SERVICES)
    with pytest.raises(ActionRefused, match="may not act on any service here") as caught:
        Permits().check(action("restart", "web"), control)
    expected = 'whoever runs midwatch can add "supervisor:web:restart" to [services] allow'
    assert caught.value.hint == expected
    assert control.asked == []


@pytest.mark.parametrize(
    ("refused", "reason", "hint"),
    [
        (action("restart", "db"), "db is protected", "[services] protected"),
        (action("stop", "shop:worker_0"), "with stop", '"supervisor:shop:worker_0:stop"'),
        (action("restart", "shop:cart"), "shop:cart of supervisor may not be", ":restart"),
        (action("restart", "web2"), "web2 of supervisor may not be", "[services] allow"),
        (action("restart", "shop:worker_9"), "no service named exactly", "shop:worker_"),
        (action("restart", "shop:worker_\u043e"), "named exactly 'shop:worker_\\\\u043e'", ""),
        (action("scale", "prod/api", 0), "an outage by another name", "1 or more"),
        (action("scale", "prod/api", 21), "21 replicas are more than the 20", "max_replicas"),
        (action("scale", "prod/api"), "replicas", ""),
        (action("restart", "web", 3), "takes backend, service", ""),
        (action("restart", "web\n"), "is no name of a service", ""),
        (ServiceAction("restart", "docker", "web"), "web of docker may not", "docker:web"),
    ],
)
def test_a_refusal_says_why_and_what_would_permit_it(
    refused: ServiceAction, reason: str, hint: str
) -> None:
    control = RecordingControl(SERVICES)
    with pytest.raises(ActionRefused, match=reason) as caught:
        PERMITS.check(refused, control)
    assert hint in caught.value.hint


def test_a_manager_is_asked_for_its_own_services_and_verbs_only() -> None:
    permits = Permits.parse(["docker:web:scale", "supervisor:web:scale"])
    control = RecordingControl(SERVICES, verbs=frozenset(("restart",)))
    with pytest.raises(ActionRefused, match="was asked for a service of docker"):
        permits.check(ServiceAction("scale", "docker", "web", 2), control)
    with pytest.raises(ActionRefused, match="cannot scale a service; it can restart"):
        permits.check(action("scale", "web", 2), control)


def test_more_replicas_can_be_allowed() -> None:
    permits = Permits.parse(["supervisor:prod/*:scale"], max_replicas=50)
    permits.check(action("scale", "prod/api", 50), RecordingControl(SERVICES))
    with pytest.raises(ActionRefused, match="more than the 50"):
        permits.check(action("scale", "prod/api", 51), RecordingControl(SERVICES))


def carry_out(name: object, arguments: Mapping[str, object], control: RecordingControl) -> None:
    """What becomes of a call that says it is an action."""
    asked = ServiceAction.of(name, arguments)  # type: ignore[arg-type]
    operation = Operation(control, PERMITS, Timing(steady_s=0, settle_s=0), sleep=lambda _: None)
    operation.carry_out(asked)


@pytest.mark.parametrize("allowed", sorted(ALLOWED, key=repr))
def test_what_is_allowed_reaches_the_manager(allowed: ServiceAction) -> None:
    is_up = allowed.verb != "start"
    control = RecordingControl(SERVICES, is_up=is_up)
    carry_out(allowed.name, allowed.as_arguments(), control)
    assert control.orders == [allowed]


LOOKALIKES = str.maketrans({"e": "\u0435", "o": "\u043e", "a": "\u0430", "_": "\uff3f"})
TRICKS = ("\n", "\x00", "\u200b", "\u202e", " ", "*", "?", "/..", "/", ":", ":*", ";reboot", "%00")
OPTIONS = ("--", "-", "--all ", "--user=", "../", "/", "./", "all ", "\t", "=")
NAMES = st.one_of(
    st.sampled_from(SERVICES),
    st.sampled_from(SERVICES).map(lambda name: name.translate(LOOKALIKES)),
    st.sampled_from(SERVICES).map(str.upper),
    st.builds(str.__add__, st.sampled_from(SERVICES), st.sampled_from(TRICKS)),
    st.builds(str.__add__, st.sampled_from(OPTIONS), st.sampled_from(SERVICES)),
    st.builds(
        lambda name, place, trick: name[:place] + trick + name[place:],
        st.sampled_from(SERVICES),
        st.integers(0, 8),
        st.sampled_from((*TRICKS, *OPTIONS)),
    ),
    st.text(max_size=12),
)
VALUES = st.one_of(NAMES, st.none(), st.booleans(), st.integers(-2, 25), st.binary(max_size=4))
ACTIONS = st.one_of(
    st.sampled_from([f"{verb}_service" for verb in VERBS]),
    st.sampled_from(["restart", "RESTART_SERVICE", "restart_service\n", "kill_service", ""]),
    st.none(),
)
ARGUMENTS = st.one_of(
    st.fixed_dictionaries(
        {"backend": st.just("supervisor"), "service": NAMES},
        optional={"replicas": st.one_of(st.integers(-2, 25), st.booleans(), st.text(max_size=2))},
    ),
    st.fixed_dictionaries(
        {"backend": VALUES, "service": VALUES}, optional={"replicas": VALUES, "--force": VALUES}
    ),
)


@settings(max_examples=500, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(name=ACTIONS, arguments=ARGUMENTS)
def test_of_500_mutated_calls_none_outside_the_list_reaches_a_manager(
    name: object, arguments: dict[str, object]
) -> None:
    control = RecordingControl(SERVICES)
    with suppress(ToolsError):
        carry_out(name, arguments, control)
    assert set(control.orders) <= ALLOWED
    for order in control.orders:
        # A text that only looks like an allowed one would be equal to none of these.
        assert order.service in SERVICES
    if not control.orders and arguments.get("service") not in SERVICES:
        assert not set(control.asked) - {"", *SERVICES}
