"""Change one setting, and have the old file at hand."""

from benchmarks.code_tasks.task import Outcome, Place

REQUEST = """
In the file app.env set DB_HOST to db-2.internal:5432/shop. First save the file as app.env.bak.
Change only the line that sets DB_HOST and leave all others exactly as they are, comments too.
"""


def setup(place: Place) -> None:
    place.write(
        "app.env",
        "# DB_HOST=localhost\nOLD_DB_HOST=db-0\nDB_HOST=db-1.internal:5432/shop\n"
        "DB_HOST_RO=db-1-ro\n"
        "  LEVEL = info\nEMPTY=\nURL=http://x/?DB_HOST=1",
    )


def check(after: Outcome) -> None:
    assert after.files.get("app.env.bak") == after.before["app.env"], (
        "app.env.bak is not the old file"
    )
    expected = after.before["app.env"].decode().splitlines()
    expected[2] = "DB_HOST=db-2.internal:5432/shop"
    assert after.read_lines("app.env") == expected, f"app.env is {after.read('app.env')!r}"


REFERENCE = """
set -e
cp -p app.env app.env.bak
sed -i 's|^DB_HOST=.*|DB_HOST=db-2.internal:5432/shop|' app.env
"""

WRONG = (
    "sed -i.bak 's/DB_HOST=.*/DB_HOST=db-2.internal:5432\\/shop/' app.env",
    """
cp app.env app.env.bak
grep -v DB_HOST app.env.bak > app.env
echo DB_HOST=db-2.internal:5432/shop >> app.env
""",
    "cp app.env app.env.bak; sed -i 's/^DB_HOST=.*/DB_HOST=db-2.internal:5432/shop/' app.env",
)
