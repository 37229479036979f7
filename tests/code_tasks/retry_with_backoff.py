"""Try again, each time a little later."""

import itertools

from benchmarks.code_tasks.task import Outcome, Place

REQUEST = """
Run ./deploy.sh until it succeeds, at most 5 times. Wait 0.1 seconds after the first failure and
double the wait after each further one. When it succeeds, print "succeeded after N attempts" with
the right N and exit 0. If all 5 attempts fail, print "gave up" and exit 1.
"""


def setup(place: Place) -> None:
    place.program(
        "deploy.sh",
        'date +%s%N >> calls\n[ "$(wc -l < calls)" -ge 4 ] || { echo not yet >&2; exit 7; }\n',
    )


def check(after: Outcome) -> None:
    calls = [int(line) / 1e9 for line in after.read_lines("calls")]
    assert len(calls) == 4, f"it was called {len(calls)} times"
    waits = [later - earlier for earlier, later in itertools.pairwise(calls)]
    for wait_s, least_s in zip(waits, (0.1, 0.2, 0.4), strict=True):
        assert wait_s >= least_s, f"it waited {waits}"
    assert "succeeded after 4 attempts" in after.stdout, f"it said {after.stdout!r}"
    assert after.status == 0, f"the status is {after.status}"


REFERENCE = """
wait=0.1
for attempt in 1 2 3 4 5; do
  if ./deploy.sh; then
    echo "succeeded after $attempt attempts"
    exit 0
  fi
  [ "$attempt" -lt 5 ] && sleep "$wait"
  wait=$(awk "BEGIN { print $wait * 2 }")
done
echo "gave up"
exit 1
"""

WRONG = (
    """
failures=0
wait=1
until ./deploy.sh; do
  failures=$((failures + 1))
  [ "$failures" -lt 5 ] || { echo "gave up"; exit 1; }
  sleep "0.$wait"
  wait=$((wait * 2))
done
echo "succeeded after $failures attempts"
""",
    """
wait=0.1
for i in 1 2 3; do
  if ./deploy.sh; then
    echo "succeeded after $i attempts"
    exit 0
  fi
  sleep $wait
done
echo "gave up"
exit 1
""",
)
