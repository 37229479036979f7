"""The demonstration as a story in six steps, told on the terminal or in a pipe.

Everything that midwatch does in it is done by its own command line, exactly as a person would.
"""

from __future__ import annotations

import shlex
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path
from typing import NoReturn

import platformdirs
from rich.console import Console

from assistant.demo.system import RUNBOOKS, DemoSystem
from assistant.errors import MidwatchError
from assistant.problems import describe
from assistant.providers import models_dir
from assistant.settings import load_settings
from knowledge.renewal import is_outdated

MIDWATCH = (sys.executable, "-m", "assistant.cli")
QUESTION = "Customers cannot pay: checkout shows errors. What is wrong and what do I do?"
BASELINE_S = 7.0
# While midwatch thinks, a trickle of customers keeps the outage alive and the processor free.
TRICKLE_PER_S = 2.0
STEPS = 6


def run(
    folder: Path,
    models: Path,
    midwatch: Sequence[str] = MIDWATCH,
    console: Console | None = None,
    baseline_s: float = BASELINE_S,
) -> int:
    """Play the demonstration in `folder`; the exit code of the first command that failed, or 0.

    `models` is where the user's models are, `midwatch` the command line to run. Raises
    MidwatchError when the shop cannot be started.
    """
    story = _Story(console or Console(), midwatch, folder / "midwatch.toml")
    with DemoSystem(folder) as shop:
        _share_models(models, folder / "data")
        _drop_outdated(folder / "data" / "knowledge")
        code = story.prepare() or story.break_shop(shop, baseline_s) or story.ask(shop)
    if code == 0:
        story.say_how_to_go_on()
    return code


def main() -> int:
    """The demonstration in the user's cache folder."""
    signal.signal(signal.SIGTERM, _leave)
    try:
        folder = platformdirs.user_cache_path("midwatch") / "demo"
        return run(folder, models_dir(load_settings().settings))
    except (MidwatchError, OSError) as error:
        problem = describe(error)
        print(f"midwatch: {problem.message}\n  {problem.hint}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130


def _share_models(models: Path, data: Path) -> None:
    """Let `data/models` be the user's own: a model is too large to be kept twice."""
    models.mkdir(mode=0o700, parents=True, exist_ok=True)
    data.mkdir(mode=0o700, exist_ok=True)
    link = data / "models"
    if link.is_symlink():
        link.unlink()
    if not link.exists():
        link.symlink_to(models.resolve(), target_is_directory=True)


def _drop_outdated(folder: Path) -> None:
    """Begin anew where an older midwatch left its runbooks: here they are read in a second."""
    if is_outdated(folder):
        shutil.rmtree(folder)


def _leave(signal_number: int, frame: object) -> NoReturn:
    sys.exit(128 + signal_number)


@dataclass(slots=True)
class _Story:
    console: Console
    midwatch: Sequence[str]
    settings: Path
    step: int = 0

    def prepare(self) -> int:
        """Get the model and read the runbooks: slow once, quick from then on."""
        self._tell(f"midwatch's settings here are in {self.settings}")
        self._begin("The model: one file of 1.1 GB, fetched once")
        code = self._run("model", "pull")
        if code:
            return code
        self._begin("The runbooks of a little shop, so that its own words can be quoted")
        return self._run("ingest", str(RUNBOOKS))

    def break_shop(self, shop: DemoSystem, baseline_s: float) -> int:
        """Start the shop, let it serve customers, then make a mistake in it."""
        self._begin("The shop: four real services, with customers, under supervisord")
        shop.start()
        self._tell(f"Its logs are in {shop.shop}. They get {baseline_s:g} s of normal life.")
        time.sleep(baseline_s)
        code = self._run("services", "list")
        if code:
            return code
        self._begin("Somebody makes a mistake that nobody tells you about")
        shop.break_it()
        shop.wait_for_outage()
        self._tell(f"A customer who orders now gets: {_status_line(shop.order())}")
        return 0

    def ask(self, shop: DemoSystem) -> int:
        """Ask midwatch, which knows the logs, the runbooks and supervisord, and not the mistake."""
        shop.customers.rate_per_s = TRICKLE_PER_S
        self._begin("You ask midwatch")
        return self._run("ask", QUESTION)

    def say_how_to_go_on(self) -> None:
        """What to try next."""
        self._begin("Go on (the shop is stopped; its logs stay until the next demonstration)")
        self._tell("Ask something else about the shop:")
        self._show("--config", str(self.settings), "ask", "When did the first order fail?")
        self._tell("Ask about your own systems:")
        self._show("ingest", "path/to/your/runbooks")
        self._tell('$ journalctl --since -1h | midwatch ask "What failed first?"', style="cyan")

    def _begin(self, title: str) -> None:
        self.step += 1
        self._tell("")
        self._tell(f"{self.step}/{STEPS}  {title}", style="bold")

    def _run(self, *arguments: str) -> int:
        self._show(*arguments)
        started = time.monotonic()
        command = [*self.midwatch, "--config", str(self.settings), *arguments]
        code = subprocess.run(
            command, cwd=self.settings.parent, stdin=subprocess.DEVNULL, check=False
        ).returncode
        outcome = f"exit code {code}, " if code else ""
        self._tell(f"({outcome}{time.monotonic() - started:.1f} s)", style="dim")
        return code

    def _show(self, *arguments: str) -> None:
        self._tell(f"$ midwatch {shlex.join(arguments)}", style="cyan")

    def _tell(self, text: str, style: str = "") -> None:
        # soft_wrap: a command line that is broken by the console cannot be copied.
        self.console.print(text, style=style, markup=False, highlight=False, soft_wrap=True)


def _status_line(status: int | None) -> str:
    return f"HTTP {status} {HTTPStatus(status).phrase}" if status else "no answer at all"
