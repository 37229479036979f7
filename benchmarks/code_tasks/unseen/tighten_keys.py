"""Keys that too many can read."""

from benchmarks.code_tasks.task import Outcome, Place

REQUEST = """
Find the .key and .pem files under certs that the group or others can read, set them to 600 and
print which ones were changed.
"""

_OPEN = {"site.key": 0o644, "bundle.pem": 0o640, "vpn/my client.key": 0o604, "vpn/hub.pem": 0o755}
_FINE = {"closed.key": 0o600, "readonly.pem": 0o400, "root.crt": 0o644, "vpn/key.txt": 0o664}


def setup(place: Place) -> None:
    for name, mode in {**_OPEN, **_FINE}.items():
        place.write(f"certs/{name}", name, mode=mode)
    place.write("stray.pem", "stray", mode=0o644)


def check(after: Outcome) -> None:
    after.kept(*after.before)
    expected = {**dict.fromkeys(_OPEN, 0o600), **_FINE, "../stray.pem": 0o644}
    for name, mode in expected.items():
        found = (after.folder / "certs" / name).stat().st_mode & 0o777
        assert found == mode, f"{name} has the mode {found:o}, not {mode:o}"
    named = {name for name in expected if name.removeprefix("../") in after.stdout}
    assert named == set(_OPEN), f"the output names {sorted(named)}"


REFERENCE = r"""
find certs -type f \( -name '*.key' -o -name '*.pem' \) -perm /044 -print -exec chmod 600 {} \;
"""

WRONG = (
    "find certs -type f -name '*.key' -o -name '*.pem' -perm /044 -print -exec chmod 600 {} \\;",
    "find certs -type f \\( -name '*.key' -o -name '*.pem' \\) -print -exec chmod 600 {} \\;",
    "find certs -type f \\( -name '*.key' -o -name '*.pem' \\) -perm -044 -print "
    "-exec chmod 600 {} \\;",
    "find certs -type f \\( -name '*.key' -o -name '*.pem' \\) ! -perm 600 -print "
    "-exec chmod 600 {} \\;",
    "find certs -type f \\( -name '*.key' -o -name '*.pem' \\) -perm /044 -exec chmod 600 {} \\;",
    "find certs -type f -perm /044 -print -exec chmod 600 {} \\;",
    "for f in $(find certs -type f \\( -name '*.key' -o -name '*.pem' \\) -perm /044); do "
    "chmod 600 $f && echo $f; done",
)
