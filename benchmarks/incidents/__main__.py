"""Record the incident suite again, one case or all of it.

    pip install --target LIBRARIES -r benchmarks/incidents/programs/requirements.txt
    sudo MIDWATCH_INCIDENT_LIBRARIES=LIBRARIES python -m benchmarks.incidents record NAME...

It needs root, and the Debian packages nginx-light, redis-server, haproxy, chrony, postgresql-15,
nodejs, curl, lsof, iproute2 and libfaketime; LIBRARIES is a folder outside /srv and /opt. A case
takes one to three minutes, of real time. `describe NAME...` writes only the question and the
expectations of a case that is recorded.
"""

from __future__ import annotations

import sys
from pathlib import Path

from benchmarks.incidents.families import INCIDENTS
from benchmarks.incidents.recording import describe_again, play, record

_USAGE = "usage: python -m benchmarks.incidents list | record NAME... | describe NAME... (or all)"


def main(arguments: list[str]) -> int:
    """Do what `arguments` say; the exit code."""
    match arguments:
        case ["list"]:
            for incident in INCIDENTS.values():
                print(f"{incident.name:24} {incident.how}")
        case ["play", name, scratch]:
            play(name, Path(scratch))
        case ["record" | "describe" as verb, *names] if names:
            chosen = list(INCIDENTS) if names == ["all"] else names
            if unknown := [name for name in chosen if name not in INCIDENTS]:
                print(f"there is no incident {unknown[0]}; see `list`", file=sys.stderr)
                return 2
            for name in chosen:
                print(f"{verb} {name}", file=sys.stderr)
                (record if verb == "record" else describe_again)(name)
        case _:
            print(_USAGE, file=sys.stderr)
            return 2
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
