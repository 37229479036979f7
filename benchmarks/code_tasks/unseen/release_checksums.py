"""Checksums to go with a release."""

import hashlib

from benchmarks.code_tasks.task import Outcome, Place

REQUEST = """
Make a SHA256SUMS file in the release folder with the checksum of every file there, so that people
can run "sha256sum -c SHA256SUMS" in that folder.
"""

_FILES = {
    "agent-linux.bin": b"\x7fELF agent",
    "agent.conf": b"port=1\n",
    "release notes.txt": b"First.\n",
    "zones.json": b"{}\n",
}


def setup(place: Place) -> None:
    for name, content in _FILES.items():
        place.write(f"release/{name}", content)
    place.write("README", "not part of it\n")


def check(after: Outcome) -> None:
    found = {}
    for line in after.read_lines("release/SHA256SUMS"):
        checksum, _, name = line.partition(" ")
        found[name[1:].removeprefix("./")] = checksum
    expected = {name: hashlib.sha256(content).hexdigest() for name, content in _FILES.items()}
    assert found == expected, f"SHA256SUMS has {found}"
    after.kept(*after.before)


REFERENCE = """
cd release || exit 1
find . -maxdepth 1 -type f ! -name SHA256SUMS -exec sha256sum {} + > SHA256SUMS
"""

WRONG = (
    "sha256sum release/* > release/SHA256SUMS",
    "cd release && find . -type f -exec sha256sum {} + > SHA256SUMS",
    "cd release && for f in *; do sha256sum $f; done > SHA256SUMS",
    "cd release && md5sum * > SHA256SUMS",
)
