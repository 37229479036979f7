"""What changed in the configuration, key by key."""

from benchmarks.code_tasks.task import Outcome, Place

REQUEST = """
Compare old.conf and new.conf, which have lines KEY=VALUE, comments that begin with # and empty
lines. Print one line for each key that differs, sorted by key: "added KEY", "removed KEY" or
"changed KEY". The order of the lines in the files does not matter.
"""


def setup(place: Place) -> None:
    place.write(
        "old.conf",
        "# limits\nMAX_CONN=100\nTIMEOUT=30\nURL=http://a/?x=1\n\nMODE=fast\nPORT=80\nOLD_FLAG=1\n",
    )
    place.write(
        "new.conf",
        "PORT=80\n# now with more\nMAX_CONN=200\nMODE=fast\n#TIMEOUT=30\nURL=http://a/?x=2\nRETRIES=3",
    )


def check(after: Outcome) -> None:
    expected = [
        "changed MAX_CONN",
        "removed OLD_FLAG",
        "added RETRIES",
        "removed TIMEOUT",
        "changed URL",
    ]
    after.said(expected)


REFERENCE = """
awk -F= '/^[[:space:]]*(#|$)/ { next }
  { key = $1; value = substr($0, length(key) + 2); keys[key] }
  FILENAME == "old.conf" { old[key] = value; next }
  { new[key] = value }
  END {
    for (key in keys) {
      if (!(key in old)) print key, "added " key
      else if (!(key in new)) print key, "removed " key
      else if (old[key] != new[key]) print key, "changed " key
    }
  }' old.conf new.conf | sort | cut -d' ' -f2-
"""

WRONG = (
    "diff old.conf new.conf | grep '^[<>]'",
    """
awk -F= 'NR==FNR {o[$1]=$2
next} {n[$1]=$2} END {for (k in o) if (!(k in n)) print "removed", k
else if (o[k] != n[k]) print "changed", k
for (k in n) if (!(k in o)) print "added", k}' old.conf new.conf | sort -k2
""",
)
