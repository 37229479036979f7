"""One ending for all of them."""

from benchmarks.code_tasks.task import Outcome, Place

REQUEST = """
rename all .yml files below deploy to .yaml
"""


def setup(place: Place) -> None:
    place.write("deploy/site.yml", "1")
    place.write("deploy/k8s/web.yml", "2")
    place.write("deploy/k8s/my app.yml", "3")
    place.write("deploy/k8s/db.yaml", "4")
    place.write("deploy/k8s/notes.yml.txt", "5")
    place.write("deploy/old.yml.d/base.yml", "6")
    place.write("deploy/myyml", "7")
    place.write("ci.yml", "8")


def check(after: Outcome) -> None:
    expected = {
        "deploy/site.yaml": b"1",
        "deploy/k8s/web.yaml": b"2",
        "deploy/k8s/my app.yaml": b"3",
        "deploy/k8s/db.yaml": b"4",
        "deploy/k8s/notes.yml.txt": b"5",
        "deploy/old.yml.d/base.yaml": b"6",
        "deploy/myyml": b"7",
        "ci.yml": b"8",
    }
    assert after.files == expected, f"the files are {sorted(after.files)}"


REFERENCE = """
find deploy -type f -name '*.yml' -print0 | while IFS= read -r -d '' path; do
  mv -- "$path" "${path%.yml}.yaml"
done
"""

WRONG = (
    'for f in deploy/*.yml; do mv "$f" "${f%.yml}.yaml"; done',
    "for f in $(find deploy -name '*.yml'); do mv $f ${f%.yml}.yaml; done",
    'find deploy -type f -name "*.yml" | while read -r f; do mv "$f" "${f/.yml/.yaml}"; done',
    'find . -type f -name "*.yml" | while read -r f; do mv "$f" "${f%.yml}.yaml"; done',
)
