"""A configuration from a template."""

from benchmarks.code_tasks.task import Outcome, Place

REQUEST = """
Write nginx.conf from nginx.conf.template: replace every placeholder {{NAME}} by the value of NAME
in values.env, which has lines NAME=value. If a placeholder has no value, print its name to
standard error, exit with status 1 and do not write nginx.conf.
"""


def setup(place: Place) -> None:
    place.write(
        "nginx.conf.template",
        "server {\n  listen {{PORT}};\n  server_name {{HOST}} www.{{HOST}};\n"
        "  root {{ROOT}};\n  set $x {1};\n}",
    )
    place.write("values.env", "PORT=8080\nHOST=shop.example\nROOT=/srv/a&b/www|x\nUNUSED=1\n")


def check(after: Outcome) -> None:
    expected = (
        "server {\n  listen 8080;\n  server_name shop.example www.shop.example;\n"
        "  root /srv/a&b/www|x;\n  set $x {1};\n}"
    )
    found = after.read("nginx.conf").rstrip("\n")
    assert found == expected, f"nginx.conf is {found!r}"
    assert after.status == 0, f"the status is {after.status}"
    after.kept("nginx.conf.template", "values.env")


REFERENCE = """
set -e
text=$(cat nginx.conf.template)
while IFS= read -r line || [ -n "$line" ]; do
  name=${line%%=*}
  value=${line#*=}
  [ -n "$name" ] && text=${text//"{{$name}}"/"$value"}
done < values.env
missing=$(printf '%s\\n' "$text" | grep -o '{{[A-Za-z_]*}}' | sort -u || true)
if [ -n "$missing" ]; then
  echo "$missing" >&2
  exit 1
fi
printf '%s\\n' "$text" > nginx.conf
"""

WRONG = (
    """
cp nginx.conf.template nginx.conf
while IFS='=' read -r k v; do
  sed -i "s|{{$k}}|$v|" nginx.conf
done < values.env
""",
    ". ./values.env; envsubst < nginx.conf.template > nginx.conf",
)
