"""How code of each language is asked for: what the model is told, and how its turn begins.

The words never change, so that the engine computes them once. No worked example stands here: a
small model hands it back as its answer.
"""

from __future__ import annotations

from dataclasses import dataclass

from tools.code.report import Language

_ALONE = "Reply with one code block and nothing else."


@dataclass(frozen=True, slots=True)
class Style:
    """One language: `noun` is what is written in it, `beginning` the first words of the turn."""

    noun: str
    system: str
    beginning: str
    max_tokens: int


def _told(noun: str, rules: str) -> str:
    return f"You write {noun} for an on-call engineer. {_ALONE}\n{rules.strip()}"


_BASH = """
- Do exactly what the task says, in few plain lines. Print only what it asks for.
- Do every step of the task, in its order. Write no traps, no menus and no IFS of your own.
- Work on the paths that the task names, relative to the current folder. Never use sudo. A file \
that has the output of a command is read; the command is not run.
- Quote every expansion: "$name". Put -- before file names that are in variables.
- A grep that may find nothing ends the script: write grep … || true there, and only there.
- Go through files with a glob or find, never with ls. Use awk for columns and numbers.
- Make the folders that are written to with mkdir -p.
"""
_PYTHON = """
- Python 3.11 and its standard library alone, unless the task names another package.
- Do exactly what the task says, in few plain functions. Print only what it asks for.
- Run programs with subprocess.run and a list of arguments, check=True, never through a shell.
- Open files with an encoding and in a with block; parse arguments with argparse if there are any.
- End with if __name__ == "__main__": main().
"""
_SQL = """
- PostgreSQL, unless the task names another database. Only the tables and columns that it names.
- A statement that changes rows has a WHERE. One statement, unless the task needs more.
"""
_PROMQL = """
- A counter (its name ends in _total) is read with rate or increase, for which a range is given.
- What comes first in the question comes first in a ratio: A as a share of B is A / B.
- sum adds up, max by (label) finds the largest of each label.
- Use the metrics and labels that are named, and no others.
"""
_KUBERNETES = """
- Complete manifests with apiVersion, kind, metadata and spec; several are divided by ---.
- Only current API versions: apps/v1, batch/v1, networking.k8s.io/v1, policy/v1, autoscaling/v2.
- A workload has labels that its selector matches, resources with requests and limits, and an \
image with a tag that is not latest.
- Only what the task asks for; its names exactly as they stand there.
"""
_ANSIBLE = """
- A playbook: a list of plays with name, hosts, become where root is needed, and tasks.
- Every task has a name and a module by its full name (ansible.builtin.copy), and no shell or \
command where a module does it.
- mode is a string such as "0644". Services are restarted by handlers.
"""
_SYSTEMD = """
- A complete unit with [Unit], the section of its kind, and [Install] where it is to be enabled.
- Absolute paths in ExecStart, no shell syntax there. A Description and sensible Restart settings.
- Keys exactly as systemd spells them, each in the section where it belongs.
"""
_NGINX = """
- Only the block that the task asks for; a directive ends in a semicolon.
- listen 443 ssl, never the old ssl on. Proxied requests carry Host, X-Real-IP, X-Forwarded-For \
and X-Forwarded-Proto.
"""
_YAML = """
- Two blanks for each level, no tabs. Quote strings that look like numbers, yes, no, on or off.
"""
STYLES: dict[Language, Style] = {
    "bash": Style(
        "script",
        _told("bash scripts", _BASH),
        "```bash\n#!/usr/bin/env bash\nset -euo pipefail\n\n",
        500,
    ),
    "python": Style("program", _told("Python programs", _PYTHON), "```python\n", 1000),
    "sql": Style("query", _told("SQL", _SQL), "```sql\n", 400),
    "promql": Style("query", _told("one PromQL query", _PROMQL), "```promql\n", 160),
    "kubernetes": Style(
        "manifest", _told("Kubernetes manifests", _KUBERNETES), "```yaml\napiVersion:", 900
    ),
    "ansible": Style(
        "playbook", _told("Ansible playbooks", _ANSIBLE), "```yaml\n---\n- name:", 800
    ),
    "systemd": Style("unit", _told("systemd units", _SYSTEMD), "```ini\n[Unit]\n", 400),
    "nginx": Style("configuration", _told("nginx configuration", _NGINX), "```nginx\n", 500),
    "yaml": Style("file", _told("YAML files", _YAML), "```yaml\n", 800),
}
