import json
import os
import re
import shlex
import signal
import subprocess
import sys
import time
import tomllib
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import psutil
import pytest

from assistant.demo.system import RUNBOOKS, SERVICES, DemoError, DemoSystem
from assistant.errors import DataFolderError

RUN_UNTIL_KILLED = """
import pathlib, sys, time
from assistant.demo.run import _leave
from assistant.demo.system import DemoSystem
import signal
if sys.argv[2] == "polite":
    signal.signal(signal.SIGTERM, _leave)
with DemoSystem(pathlib.Path(sys.argv[1])) as shop:
    shop.start()
    print("up", flush=True)
    if sys.argv[2] == "fails":
        sys.stdin.readline()
        raise RuntimeError("in the middle")
    time.sleep(600)
"""


@pytest.fixture(scope="module")
def outage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DemoSystem]:
    """A shop that had customers for a second, was broken, and had failing orders for another."""
    with DemoSystem(tmp_path_factory.mktemp("demo")) as shop:
        shop.start()
        time.sleep(1)
        assert shop.order() in (200, 402)
        shop.break_it()
        shop.wait_for_outage()
        time.sleep(1)
        yield shop


def log(shop: DemoSystem, name: str) -> list[str]:
    return (shop.shop / f"{name}.log").read_text().splitlines()


@pytest.mark.system
def test_only_payments_is_down(outage: DemoSystem) -> None:
    states = {name: state.state for name, state in outage.services().items()}
    assert states == {
        "front": "RUNNING",
        "checkout": "RUNNING",
        "payments": "FATAL",
        "worker": "RUNNING",
    }


@pytest.mark.system
def test_payments_says_why_in_few_lines_and_only_payments_does(outage: DemoSystem) -> None:
    reasons = [line for line in log(outage, "payments") if "token refused" in line]
    assert 2 <= len(reasons) <= 5
    assert re.fullmatch(
        r"20\d\d-\d\d-\d\d \d\d:\d\d:\d\d,\d{3} CRITICAL payments\.gateway: card gateway token "
        r"refused: token gw-key-1 in secrets/gateway-token\.json expired at .*; exiting",
        reasons[0],
    )
    others = ("front.access", "front.error", "checkout", "worker")
    assert not any("token" in line for name in others for line in log(outage, name))


@pytest.mark.system
def test_the_symptoms_are_loud_and_begin_after_the_cause(outage: DemoSystem) -> None:
    (cause, *_) = (line for line in log(outage, "payments") if "token refused" in line)
    began = datetime.strptime(cause[:23], "%Y-%m-%d %H:%M:%S,%f").replace(tzinfo=UTC)
    failures = [
        entry for line in log(outage, "checkout") if (entry := json.loads(line))["level"] == "error"
    ]
    unreachable = [entry for entry in failures if entry["msg"] == "payments unreachable"]
    assert len(unreachable) > 50
    # The request that payments was answering when it ended may have failed in the same instant.
    assert all((datetime.fromisoformat(f["ts"]) - began).total_seconds() > -0.1 for f in failures)
    bad_gateways = [line for line in log(outage, "front.access") if '" 502 ' in line]
    assert len(bad_gateways) > 25
    assert sum("upstream sent 502" in line for line in log(outage, "front.error")) > 25


@pytest.mark.system
def test_the_workers_queue_grows(outage: DemoSystem) -> None:
    failed = [line for line in log(outage, "worker") if 'msg="job failed, put back"' in line]
    depths = [int(line.rsplit("queue_depth=", 1)[1]) for line in failed]
    assert len(failed) > 5
    assert depths[-1] > depths[0]
    assert 'error="payments: Connection refused"' in failed[-1]


@pytest.mark.system
def test_before_the_break_the_logs_show_normal_life(outage: DemoSystem) -> None:
    (cause, *_) = (line for line in log(outage, "payments") if "token refused" in line)
    earlier = log(outage, "payments")[: log(outage, "payments").index(cause)]
    assert sum("INFO payments.gateway: charged order=" in line for line in earlier) > 25
    assert sum('" 200 ' in line for line in log(outage, "front.access")) > 100
    assert any("job=receipt" in line for line in log(outage, "worker"))


@pytest.mark.system
def test_the_settings_name_the_socket_and_every_log(outage: DemoSystem) -> None:
    settings = tomllib.loads(outage.settings_path.read_text())
    assert settings["services"]["supervisor"].startswith("unix:///")
    assert set(settings["logs"]["sources"]) == set(SERVICES)
    for paths in settings["logs"]["sources"].values():
        assert all(Path(path).is_file() for path in ([paths] if isinstance(paths, str) else paths))
    assert settings["data"]["dir"] == str(outage.folder / "data")


@pytest.mark.system
def test_two_demonstrations_cannot_share_a_folder(outage: DemoSystem) -> None:
    with pytest.raises(DemoError, match="another demonstration"), DemoSystem(outage.folder):
        pytest.fail("entered")


@pytest.mark.system
def test_the_runbooks_fix_repairs_the_shop(tmp_path: Path) -> None:
    """The commands of the runbook, word for word."""
    runbook = (RUNBOOKS / "payments-card-gateway.md").read_text()
    fix = re.findall(r"^\d\. .*`(.*)`", runbook.split("## Fix")[1], re.MULTILINE)
    assert [command.split()[0] for command in fix] == ["install", "supervisorctl", "grep"]
    supervisorctl = f"{shlex.quote(sys.executable)} -m supervisor.supervisorctl"
    with DemoSystem(tmp_path) as shop:
        shop.start()
        shop.break_it()
        shop.wait_for_outage()
        assert shop.order() == 502
        for command in fix[:2]:
            command = re.sub(r"^supervisorctl", supervisorctl, command)
            subprocess.run(command, shell=True, cwd=shop.shop, check=True, capture_output=True)
        assert shop.order() in (200, 402)
        assert "token gw-key-3 accepted" in (shop.shop / "payments.log").read_text()


@pytest.mark.system
@pytest.mark.parametrize(
    ("mode", "number"),
    [
        ("plain", signal.SIGKILL),
        ("plain", signal.SIGTERM),
        ("polite", signal.SIGTERM),
        ("plain", signal.SIGINT),
        ("fails", None),
    ],
)
def test_no_process_outlives_the_demonstration(
    tmp_path: Path, mode: str, number: signal.Signals | None
) -> None:
    parent = subprocess.Popen(
        [sys.executable, "-c", RUN_UNTIL_KILLED, str(tmp_path), mode],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    with parent:
        assert parent.stdout is not None
        assert parent.stdin is not None
        assert parent.stdout.readline() == "up\n"
        family = psutil.Process(parent.pid).children(recursive=True)
        assert len(family) == 1 + len(SERVICES)
        if number is None:
            parent.stdin.write("\n")
            parent.stdin.flush()
        else:
            parent.send_signal(number)
        parent.wait(10)
        assert _survivors(family, limit_s=5) == []
    assert parent.returncode != 0
    assert not _processes_in(tmp_path)


@pytest.mark.system
def test_a_folder_too_long_for_a_socket_works_too(tmp_path: Path) -> None:
    with DemoSystem(tmp_path / ("long-" * 20)) as shop:
        shop.start()
        assert shop.order() in (200, 402)
        socket_folder = Path(shop.supervisor_url.removeprefix("unix://")).parent
        assert socket_folder.is_dir()
    assert not socket_folder.exists()


@pytest.mark.system
def test_services_die_with_a_killed_supervisord(tmp_path: Path) -> None:
    with DemoSystem(tmp_path) as shop:
        shop.start()
        (supervisord,) = (
            child for child in psutil.Process().children() if child.cwd() == str(shop.shop)
        )
        services = supervisord.children()
        assert len(services) == len(SERVICES)
        supervisord.kill()
        assert _survivors(services, limit_s=5) == []


def test_a_folder_that_cannot_be_written_is_a_clear_error(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with (
        pytest.raises(DataFolderError, match="cannot write"),
        DemoSystem(tmp_path / "file" / "demo"),
    ):
        pytest.fail("entered")


def _survivors(processes: list[psutil.Process], limit_s: float) -> list[psutil.Process]:
    """Those still alive after `limit_s`; one that nobody has reaped yet is dead."""
    deadline = time.monotonic() + limit_s
    while (alive := [process for process in processes if _is_alive(process)]) and (
        time.monotonic() < deadline
    ):
        time.sleep(0.05)
    return alive


def _is_alive(process: psutil.Process) -> bool:
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def _processes_in(folder: Path) -> list[int]:
    return [
        process.pid
        for process in psutil.process_iter(["cwd"])
        if process.pid != os.getpid() and str(folder) in (process.info["cwd"] or "")
    ]
