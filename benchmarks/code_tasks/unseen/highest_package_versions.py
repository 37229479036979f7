"""A folder of packages, of which only the highest versions are wanted."""

from benchmarks.code_tasks.task import Outcome, Place

REQUEST = """
packages holds files like agent_1.9.2.tar.gz and agent_1.10.0.tar.gz. Keep only the highest version
of each package there and move the others to packages/old.
"""

_HIGHEST = {
    "agent_1.10.0.tar.gz": 20,
    "agent-ui_1.1.0.tar.gz": 30,
    "log-shipper_2.0.10.tar.gz": 9,
    "probe_0.9.0.tar.gz": 400,
}
_OTHERS = {
    "agent_1.9.2.tar.gz": 3,
    "agent_1.2.11.tar.gz": 50,
    "agent-ui_1.0.9.tar.gz": 31,
    "log-shipper_2.0.9.tar.gz": 1,
    "log-shipper_1.30.0.tar.gz": 60,
}


def setup(place: Place) -> None:
    for name, days_old in {**_HIGHEST, **_OTHERS}.items():
        place.write(f"packages/{name}", name, days_old=days_old)


def check(after: Outcome) -> None:
    expected = {f"packages/{name}": name.encode() for name in _HIGHEST}
    expected |= {f"packages/old/{name}": name.encode() for name in _OTHERS}
    assert after.files == expected, f"the files are {sorted(after.files)}"


REFERENCE = """
cd packages || exit 1
mkdir -p old
for package in $(ls | grep '_.*[.]tar[.]gz$' | sed 's/_.*//' | sort -u); do
  ls "${package}"_*.tar.gz | sort -V | head -n -1 | while IFS= read -r file; do
    mv -- "$file" old/
  done
done
"""

WRONG = (
    "cd packages; mkdir -p old; ls *.tar.gz | sort -V | head -n -1 | xargs -I{} mv {} old/",
    "cd packages; mkdir -p old; for p in $(ls *.tar.gz | cut -d_ -f1 | sort -u); do\n"
    "  ls ${p}_* | sort | head -n -1 | xargs -r -I{} mv {} old/\ndone",
    "cd packages; mkdir -p old; for p in $(ls *.tar.gz | cut -d_ -f1 | sort -u); do\n"
    "  ls -tr ${p}_* | head -n -1 | xargs -r -I{} mv {} old/\ndone",
    "cd packages; mkdir -p old; for p in $(ls *.tar.gz | cut -d_ -f1 | sort -u); do\n"
    "  ls ${p}* | sort -V | head -n -1 | xargs -r -I{} mv {} old/\ndone",
    "cd packages; for p in $(ls *.tar.gz | cut -d_ -f1 | sort -u); do\n"
    "  ls ${p}_* | sort -V | head -n -1 | xargs -r rm\ndone",
)
