"""Is everything set that the application wants?"""

import re

from benchmarks.code_tasks.task import Outcome, Place

REQUEST = """
Compare app.env with app.env.example: print each variable that the example has but that is missing
or empty in app.env, and exit with 1 if there is one.
"""


def setup(place: Place) -> None:
    place.write(
        "app.env.example",
        "# database\n"
        "DB_HOST=localhost\n"
        "DB_HOST_RO=localhost\n"
        "DB_PASSWORD=\n"
        "\n"
        "# mail, see WIKI=mail\n"
        "SMTP_HOST=mail.example\n"
        "LOG_LEVEL=info\n"
        "CACHE_URL=\n",
    )
    place.write(
        "app.env",
        "LOG_LEVEL=debug\n"
        "CACHE_URL=redis://cache:6379/0?db=1\n"
        "DB_HOST_RO=db-2\n"
        "DB_PASSWORD=\n"
        "#SMTP_HOST=mail.internal\n"
        "EXTRA=\n",
    )


def check(after: Outcome) -> None:
    known = {"DB_HOST", "DB_HOST_RO", "DB_PASSWORD", "SMTP_HOST", "LOG_LEVEL", "CACHE_URL"}
    named = set(re.findall(r"\w+", after.stdout)) & {*known, "EXTRA", "WIKI"}
    expected = {"DB_HOST", "DB_PASSWORD", "SMTP_HOST"}
    assert named == expected, f"the output names {sorted(named)}"
    assert after.status == 1, f"the exit status is {after.status}"
    after.kept("app.env", "app.env.example")


REFERENCE = r"""
status=0
while IFS= read -r name; do
  if ! grep -q "^$name=." app.env; then
    echo "$name"
    status=1
  fi
done < <(sed -nE 's/^([A-Za-z_][A-Za-z0-9_]*)=.*/\1/p' app.env.example)
exit $status
"""

WRONG = (
    'for k in $(grep -o "^[A-Z_]*=" app.env.example); do\n'
    '  grep -q "^$k" app.env || { echo "${k%=}"; bad=1; }\ndone\nexit ${bad:-0}',
    'for k in $(grep -o "^[A-Z_]*=" app.env.example); do\n'
    '  grep -q "$k." app.env || { echo "${k%=}"; bad=1; }\ndone\nexit ${bad:-0}',
    'for k in $(grep -o "^[A-Z_]*=" app.env.example); do\n'
    '  grep -q "^$k." app.env || echo "${k%=}"\ndone',
    'for k in $(grep -o "^[A-Z_]*=" app.env); do\n'
    '  grep -q "^$k." app.env.example || { echo "${k%=}"; bad=1; }\ndone\nexit ${bad:-0}',
    "cut -d= -f1 app.env.example | while read -r k; do\n"
    '  grep -q "^$k=." app.env || { echo "$k"; bad=1; }\ndone\nexit ${bad:-0}',
)
