"""`DemoSystem`: the shop as real processes under a real supervisord, while a context is open.

What it leaves to others: what the services do (`assistant.demo.services`), who visits them
(`assistant.demo.customers`), and telling the story (`assistant.demo.run`).
"""

from __future__ import annotations

import fcntl
import json
import os
import random
import shlex
import shutil
import socket
import string
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import ExitStack, suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import TracebackType
from typing import Self

import assistant
from assistant.demo.customers import Customers, order
from assistant.demo.services.wire import port_variable
from assistant.errors import DataFolderError, MidwatchError
from tools.errors import BackendUnavailable
from tools.scope import ServiceState
from tools.services.supervisor import SupervisorBackend
from tools.services.supervisor_rpc import Address, ask

SERVICES = ("front", "checkout", "payments", "worker")
RUNBOOKS = Path(__file__).with_name("runbooks")

RATE_PER_S = 240.0
START_LIMIT_S = 20.0
STOP_LIMIT_S = 10.0
OUTAGE_LIMIT_S = 30.0
# Systems allow 104 to 108 bytes, and supervisord binds a longer name before it renames it.
SOCKET_PATH_LIMIT = 90
_POLL_S = 0.1


class DemoError(MidwatchError):
    """The demonstration's system could not be started or broken."""

    code = "demo"


class DemoSystem:
    """The shop, its logs and its settings below `folder`, which is this process's own meanwhile.

    Opening the context writes `folder/midwatch.toml` and a new `folder/shop`; `folder/data`
    (midwatch's own) is left alone. `start` brings the shop up. When the context ends, and also when
    this process is killed, supervisord and all services end.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder.resolve()
        self.shop = self.folder / "shop"
        self.settings_path = self.folder / "midwatch.toml"
        self._stack = ExitStack()

    def __enter__(self) -> Self:
        """Raises DemoError when another demonstration has the folder."""
        with ExitStack() as stack:
            self._claim_folder(stack)
            self._socket = self._choose_socket(stack)
            self._write_files()
            self._stack = stack.pop_all()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._stack.close()

    def start(self) -> None:
        """Return when the shop is up and has customers. Raises DemoError when it never is."""
        self._ports = _free_ports()
        self._start_supervisord()
        self._wait("the shop is up", START_LIMIT_S, self._is_serving)
        self.customers = self._stack.enter_context(Customers(self._ports["front"], RATE_PER_S))

    def settings_toml(self) -> str:
        """midwatch's settings for this shop."""
        logs = {
            "front": [self._log("front.access"), self._log("front.error")],
            **{name: self._log(name) for name in SERVICES if name != "front"},
        }
        sources = "\n".join(f"{name} = {_toml(paths)}" for name, paths in logs.items())
        return (
            f"[data]\ndir = {_toml(str(self.folder / 'data'))}\n\n"
            f"[services]\nsupervisor = {_toml(self.supervisor_url)}\n\n"
            f"[logs.sources]\n{sources}\n\n"
            # The story is the shop's, whatever else this machine went through.
            "[host]\nlook = false\n"
        )

    def services(self) -> dict[str, ServiceState]:
        """The state of each service by name. Raises BackendUnavailable."""
        return {
            state.name: state for state in SupervisorBackend(self.supervisor_url).list_services()
        }

    def order(self) -> int | None:
        """The HTTP status a customer gets for an order placed now; None when nothing answers."""
        return order(self._ports["front"], random.Random())

    def break_it(self) -> None:
        """Rotate the card gateway's token as a person in a hurry would: with the expired one."""
        secrets = self.shop / "secrets"
        hurried = secrets / ".gateway-token.json.tmp"
        shutil.copyfile(secrets / "gateway-token.previous.json", hurried)
        hurried.replace(secrets / "gateway-token.json")

    def wait_for_outage(self) -> None:
        """Return once supervisor has given payments up. Raises DemoError when it does not."""
        self._wait(
            "payments is given up",
            OUTAGE_LIMIT_S,
            lambda: self.services()["payments"].state == "FATAL",
        )

    def _claim_folder(self, stack: ExitStack) -> None:
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            lock = stack.enter_context((self.folder / "lock").open("w"))
        except OSError as error:
            raise DataFolderError(
                f"the demonstration cannot write in {self.folder}: {error.strerror}",
                "make it writable, or set XDG_CACHE_HOME to a folder that is",
            ) from error
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise DemoError(
                f"another demonstration is running in {self.folder}", "wait for it to end"
            ) from error

    def _choose_socket(self, stack: ExitStack) -> Path:
        beside_logs = self.shop / "s.sock"
        if len(os.fsencode(beside_logs)) <= SOCKET_PATH_LIMIT:
            return beside_logs
        folder = tempfile.TemporaryDirectory(prefix="midwatch-", ignore_cleanup_errors=True)
        return Path(stack.enter_context(folder), "s.sock")

    def _write_files(self) -> None:
        shutil.rmtree(self.shop, ignore_errors=True)
        (self.shop / "secrets").mkdir(parents=True)
        now = datetime.now(UTC)
        for name, key, expires_at in (
            ("gateway-token", "gw-key-2", now + timedelta(days=7)),
            ("gateway-token.next", "gw-key-3", now + timedelta(days=97)),
            ("gateway-token.previous", "gw-key-1", now - timedelta(days=83)),
        ):
            token = {"key_id": key, "expires_at": expires_at.isoformat(timespec="seconds")}
            (self.shop / "secrets" / f"{name}.json").write_text(json.dumps(token) + "\n")
        self._configuration.write_text(self._configuration_text())
        self.settings_path.write_text(self.settings_toml())

    def _configuration_text(self) -> str:
        template = string.Template(Path(__file__).with_name("supervisord.conf").read_text())
        return template.substitute(
            # supervisor expands %(…)s in what it reads.
            python=shlex.quote(sys.executable).replace("%", "%%"),
            socket=str(self._socket).replace("%", "%%"),
        )

    def _start_supervisord(self) -> None:
        leash = [sys.executable, "-m", "assistant.demo.leash", str(os.getpid())]
        with (self.shop / "supervisord.out").open("w") as output:
            self._supervisord = subprocess.Popen(
                [*leash, str(self._configuration)],
                cwd=self.shop,
                env=self._environment(),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                # A Ctrl-C is for the demonstration, which then stops the shop in order.
                start_new_session=True,
            )
        self._stack.callback(self._stop_supervisord)

    def _environment(self) -> dict[str, str]:
        ports = {port_variable(name): str(port) for name, port in self._ports.items()}
        root = str(Path(assistant.__file__).parent.parent)
        search_path = os.pathsep.join(filter(None, (root, os.environ.get("PYTHONPATH"))))
        return {**os.environ, **ports, "PYTHONPATH": search_path}

    def _stop_supervisord(self) -> None:
        # On its way out supervisord stops one service a second; asked before, all at once.
        with suppress(BackendUnavailable):
            ask(Address.parse(self.supervisor_url), "stopAllProcesses", STOP_LIMIT_S, False)
        self._supervisord.terminate()
        try:
            self._supervisord.wait(STOP_LIMIT_S)
        except subprocess.TimeoutExpired:
            self._supervisord.kill()
            self._supervisord.wait()

    def _is_serving(self) -> bool:
        states = self.services()
        return all(states[name].state == "RUNNING" for name in SERVICES) and self.order() == 200

    def _wait(self, what: str, limit_s: float, is_so: Callable[[], bool]) -> None:
        deadline = time.monotonic() + limit_s
        while time.monotonic() < deadline:
            if self._supervisord.poll() is not None:
                break
            with suppress(BackendUnavailable):
                if is_so():
                    return
            time.sleep(_POLL_S)
        raise DemoError(f"waited in vain until {what}", f"see the logs in {self.shop}")

    @property
    def supervisor_url(self) -> str:
        """Where supervisord answers."""
        return f"unix://{self._socket}"

    @property
    def _configuration(self) -> Path:
        return self.shop / "supervisord.conf"

    def _log(self, name: str) -> str:
        return str(self.shop / f"{name}.log")


def _free_ports() -> dict[str, int]:
    with ExitStack() as stack:
        sockets = {name: stack.enter_context(socket.socket()) for name in SERVICES}
        for listener in sockets.values():
            listener.bind(("127.0.0.1", 0))
        return {name: listener.getsockname()[1] for name, listener in sockets.items()}


def _toml(value: object) -> str:
    """`value` (text or a list of it) as TOML, whose strings are escaped as JSON's are."""
    return json.dumps(value, ensure_ascii=False)
