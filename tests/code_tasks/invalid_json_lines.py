"""The line that stops the importer."""

from benchmarks.code_tasks.task import Outcome, Place

REQUEST = """
The file events.jsonl should have one JSON object per line. Print the numbers of the lines that
are not valid JSON, one per line. Skip empty lines. python3 is available.
"""


def setup(place: Place) -> None:
    place.write(
        "events.jsonl",
        '{"id": 1, "text": "fine"}\n'
        '{"id": 2, "text": "not closed}\n'
        "\n"
        '{"id": 3, "list": [1, 2, {"a": null}]}\n'
        "{'id': 4}\n"
        '{"id": 5, "text": "a \\"quoted\\" word, and {braces}"}\n'
        '{"id": 6,}\n'
        '{"id": 7} trailing',
    )


def check(after: Outcome) -> None:
    after.said(["2", "5", "7", "8"])


REFERENCE = """
python3 - events.jsonl <<'PY'
import json, sys
with open(sys.argv[1]) as lines:
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        try:
            json.loads(line)
        except ValueError:
            print(number)
PY
"""

WRONG = (
    "grep -vn '^{.*}$' events.jsonl | cut -d: -f1",
    """
n=0
while read l; do
  n=$((n+1))
echo "$l" | python3 -m json.tool >/dev/null 2>&1 || echo $n
done < events.jsonl
""",
)
