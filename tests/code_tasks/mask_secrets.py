"""A configuration that may be attached to a ticket."""

from benchmarks.code_tasks.task import Outcome, Place

REQUEST = """
Copy app.ini to app.public.ini and replace the values of all keys that contain password, secret or
token (in upper or lower case) by ***. Lines look like "key = value". Everything else stays
exactly as it is, and app.ini is not changed.
"""


def setup(place: Place) -> None:
    place.write(
        "app.ini",
        "[db]\nhost = db-1\nPassword = hunter=2\nuser = token-service\n"
        "[api]\nAPI_TOKEN=abc/def&ghi\nclient_secret   =   s3\n"
        "; password policy = strict\ntimeout = 5",
    )


def check(after: Outcome) -> None:
    found = after.read_lines("app.public.ini")
    expected = after.before["app.ini"].decode().splitlines()
    assert len(found) == len(expected), f"app.public.ini is {found}"
    for number, key in ((2, "Password"), (5, "API_TOKEN"), (6, "client_secret")):
        name, _, value = found[number].partition("=")
        assert (name.strip(), value.strip()) == (key, "***"), f"the line is {found[number]!r}"
    # Whether a comment is a key is left open.
    for number in (0, 1, 3, 4, 8):
        assert found[number] == expected[number], f"the line became {found[number]!r}"
    after.kept("app.ini")


REFERENCE = """
sed -E 's/^([^=;#]*(password|secret|token)[^=]*=[[:space:]]*).*/\\1***/I' app.ini > app.public.ini
"""

WRONG = (
    "sed -E 's/(password|secret|token)(.*)=(.*)/\\1\\2=***/' app.ini > app.public.ini",
    "sed '/password\\|secret\\|token/Id' app.ini > app.public.ini",
    """
awk -F= 'tolower($0) ~ /password|secret|token/ {print $1 "= ***"
next} {print}' app.ini > app.public.ini
""",
)
