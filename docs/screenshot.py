"""Writes docs/demo.svg: what midwatch answers about the demonstration's shop, in a real terminal.

The terminal is tmux, which therefore has to be installed; the model must have been pulled. The shop
really runs and is really broken, as in `make demo`. Nothing is drawn by hand.
"""

from __future__ import annotations

import io
import os
import re
import shlex
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from rich.console import Console
from rich.text import Text

from assistant.demo.run import BASELINE_S, QUESTION, TRICKLE_PER_S
from assistant.demo.system import RUNBOOKS, DemoSystem
from assistant.providers import models_dir
from assistant.settings import load_settings

PICTURE = Path(__file__).with_name("demo.svg")
COLUMNS, LINES = 100, 120
ANSWER_LIMIT_S = 300


def main() -> None:
    """Break a shop, ask, write down what the terminal shows."""
    os.environ["MIDWATCH_MODEL_DIR"] = str(models_dir(load_settings().settings))
    with broken_shop() as folder:
        screen = ask_in_terminal(QUESTION, folder)
    PICTURE.write_text(picture_of(screen), encoding="utf-8")


@contextmanager
def broken_shop() -> Iterator[Path]:
    """The folder of a running shop that cannot take money any more, with its runbooks ingested."""
    with TemporaryDirectory(prefix="shop-") as name, DemoSystem(Path(name)) as shop:
        subprocess.run([midwatch(), "ingest", RUNBOOKS], cwd=shop.folder, check=True)
        shop.start()
        time.sleep(BASELINE_S)
        shop.break_it()
        shop.wait_for_outage()
        shop.customers.rate_per_s = TRICKLE_PER_S
        yield shop.folder


def ask_in_terminal(question: str, folder: Path) -> str:
    """The question as it was typed and the screen as it is after the answer, with its colours."""
    typed = f'midwatch ask "{question}"'
    tmux = [shutil.which("tmux") or sys.exit("tmux is not installed"), "-S", f"{folder}/tmux.sock"]
    size = ["-x", str(COLUMNS), "-y", str(LINES)]
    command = f"{shlex.quote(midwatch())} ask {shlex.quote(question)}"
    command += f"; {tmux[0]} wait-for -S answered; sleep {ANSWER_LIMIT_S}"
    subprocess.run([*tmux, "new-session", "-d", *size, command], cwd=folder, check=True)
    try:
        subprocess.run([*tmux, "wait-for", "answered"], check=True, timeout=ANSWER_LIMIT_S)
        capture = [*tmux, "capture-pane", "-e", "-p"]
        screen = subprocess.run(capture, check=True, stdout=subprocess.PIPE, text=True).stdout
    finally:
        subprocess.run([*tmux, "kill-server"], check=True)
    return f"\033[36m$ {typed}\033[0m\n{screen.rstrip()}"


def picture_of(screen: str) -> str:
    """`screen` as an SVG that needs nothing from elsewhere."""
    console = Console(record=True, width=COLUMNS, file=io.StringIO())
    console.print(Text.from_ansi(screen))
    svg = console.export_svg(title="midwatch", unique_id="midwatch")
    without_web_fonts = re.sub(r"@font-face \{.*?\}\s*", "", svg, flags=re.DOTALL)
    return without_web_fonts.replace("Fira Code", "DejaVu Sans Mono")


def midwatch() -> str:
    """The command of the environment that runs this file."""
    return str(Path(sys.executable).with_name("midwatch"))


if __name__ == "__main__":
    main()
