import pytest

from tools.errors import InvalidQuery
from tools.services.control import MAX_REPLICAS, ServiceAction
from tools.services.names import MAX_NAME_CHARS


class Sly(str):
    """A text that could answer differently the next time it is asked."""


@pytest.mark.parametrize(
    ("action", "arguments", "expected"),
    [
        (
            "restart_service",
            {"backend": "supervisor", "service": "web"},
            ServiceAction("restart", "supervisor", "web"),
        ),
        (
            "stop_service",
            {"backend": "supervisor", "service": "shop:worker_0"},
            ServiceAction("stop", "supervisor", "shop:worker_0"),
        ),
        (
            "start_service",
            {"backend": "systemd-user", "service": r"worker@dev-disk\x2dlabel.service"},
            ServiceAction("start", "systemd-user", r"worker@dev-disk\x2dlabel.service"),
        ),
        (
            "scale_service",
            {"backend": "kubernetes", "service": "prod/web", "replicas": 3},
            ServiceAction("scale", "kubernetes", "prod/web", 3),
        ),
        (
            "delete_service",
            {"backend": "kubernetes", "service": "prod/web-7d4b9c6f5-x2x8z"},
            ServiceAction("delete", "kubernetes", "prod/web-7d4b9c6f5-x2x8z"),
        ),
    ],
)
def test_an_action_and_its_arguments_are_the_same(
    action: str, arguments: dict[str, object], expected: ServiceAction
) -> None:
    assert ServiceAction.of(action, arguments) == expected
    assert expected.as_arguments() == arguments
    assert expected.name == action


@pytest.mark.parametrize(
    ("action", "arguments"),
    [
        ("restart", {}),
        ("Restart_service", {}),
        ("run_code", {}),
        (None, {}),
        (["restart_service"], {}),
        ("restart_service", {"service": None}),
        ("restart_service", {"service": 7}),
        ("restart_service", {"service": ["web"]}),
        ("restart_service", {"service": b"web"}),
        ("restart_service", {"service": Sly("web")}),
        ("restart_service", {"backend": True}),
        ("restart_service", {"backend": "docker:prod"}),
        ("restart_service", {"backend": "--host=evil"}),
        ("restart_service", {"backend": ""}),
        ("restart_service", {"force": 1}),
        ("restart_service", {"Service": "web"}),
        ("restart_service", {"replicas": 2}),
        ("restart_service", {"replicas": None}),
        ("scale_service", {}),
        ("scale_service", {"replicas": None}),
        ("scale_service", {"replicas": True}),
        ("scale_service", {"replicas": "3"}),
        ("scale_service", {"replicas": 3.0}),
        ("scale_service", {"replicas": -1}),
        ("scale_service", {"replicas": MAX_REPLICAS + 1}),
    ],
)
def test_anything_else_is_no_action(action: str, arguments: dict[str, object]) -> None:
    with pytest.raises(InvalidQuery):
        ServiceAction.of(action, {"backend": "supervisor", "service": "web", **arguments})


@pytest.mark.parametrize("missing", ["backend", "service"])
def test_a_missing_argument_is_no_action(missing: str) -> None:
    arguments = {"backend": "supervisor", "service": "web"}
    del arguments[missing]
    with pytest.raises(InvalidQuery, match="takes backend, service, and no more"):
        ServiceAction.of("restart_service", arguments)


@pytest.mark.parametrize(
    "name",
    [
        "",
        " ",
        "web ",
        " web",
        "web\n",
        "web\r\nstop all",
        "web\x00",
        "web\x1b[2J",
        "web\u200b",
        "web\u202e",
        "web\ud800",
        "web\u00a0x",
        "-web",
        "--all",
        "*",
        "web*",
        "web?",
        "web[12]",
        "web;reboot",
        "web$(reboot)",
        "web`reboot`",
        "web|x",
        "web&",
        "web,db",
        "web%2e",
        "../web",
        "prod/../web",
        "prod/./web",
        "prod//web",
        "/prod/web",
        "prod/",
        ".hidden",
        "shop:",
        ":web",
        "shop::web",
        "shop:*",
        "x" * (MAX_NAME_CHARS + 1),
    ],
)
def test_what_is_not_the_name_of_one_service_is_refused(name: str) -> None:
    with pytest.raises(InvalidQuery, match="is no name of a service") as caught:
        ServiceAction.of("restart_service", {"backend": "supervisor", "service": name})
    assert caught.value.message.isascii()
    assert caught.value.message.isprintable()
