"""Writes requirements.lock anew from pyproject.toml: each package's version and its files' hashes.

pip resolves the versions, and the package index names the SHA-256 of every file of each of them, so
that nothing has to be downloaded to be hashed. torch is left out: which build of it fits depends on
the machine, so .ci/install pins its version without a hash. Run it as `python .ci/lock.py` with the
Python that midwatch is tested on.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urldefrag

from pip._internal.models.index import PyPI
from pip._internal.network.session import PipSession
from pip._vendor.packaging.utils import (
    InvalidSdistFilename,
    InvalidWheelFilename,
    canonicalize_name,
    parse_sdist_filename,
    parse_wheel_filename,
)

ROOT = Path(__file__).resolve().parent.parent
BUILD_TOOLS = ("setuptools>=77", "wheel")
LEFT_OUT = re.compile(r"torch|triton|nvidia-.*|cuda-.*|midwatch")
HEADER = "# Written by .ci/lock.py from pyproject.toml; torch is installed apart, by .ci/install.\n"


class _Links(HTMLParser):
    """The addresses of a project's page in the package index."""

    def __init__(self) -> None:
        super().__init__()
        self.addresses: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag == "a":
            self.addresses += [value for key, value in attrs if key == "href" and value]


def main() -> None:
    """Resolve, look up the hashes, write."""
    session = PipSession(retries=3)
    lines = [HEADER]
    for name, version in sorted(_resolved()):
        hashes = sorted(_hashes(session, name, version))
        if not hashes:
            sys.exit(f"the index has no file of {name} {version}")
        lines.append(" \\\n    ".join([f"{name}=={version}", *hashes]) + "\n")
    (ROOT / "requirements.lock").write_text("".join(lines))


def _resolved() -> set[tuple[str, str]]:
    """Every package that midwatch and its tests need, with the version that pip chooses."""
    command = [sys.executable, "-m", "pip", "install", "--quiet", "--dry-run"]
    command += ["--ignore-installed", "--report", "-", *BUILD_TOOLS, f"{ROOT}[dev]"]
    report = json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout)
    found = {
        (canonicalize_name(item["metadata"]["name"]), item["metadata"]["version"])
        for item in report["install"]
    }
    return {(name, version) for name, version in found if not LEFT_OUT.fullmatch(name)}


def _hashes(session: PipSession, name: str, version: str) -> Iterator[str]:
    page = session.get(f"{PyPI.simple_url}/{name}/")
    page.raise_for_status()
    links = _Links()
    links.feed(page.text)
    for address in links.addresses:
        file, digest = urldefrag(address)
        if digest.startswith("sha256=") and _version(unquote(file.rsplit("/", 1)[-1])) == version:
            yield f"--hash=sha256:{digest.removeprefix('sha256=')}"


def _version(file: str) -> str:
    """The version in a distribution's file name, empty for other files."""
    try:
        if file.endswith(".whl"):
            return str(parse_wheel_filename(file)[1])
        return str(parse_sdist_filename(file)[1])
    except (InvalidSdistFilename, InvalidWheelFilename):
        return ""


if __name__ == "__main__":
    main()
