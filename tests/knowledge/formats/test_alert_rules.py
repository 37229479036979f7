from __future__ import annotations

from pathlib import PurePath

import pytest

from knowledge.documents import Document, Unusable
from knowledge.formats import alert_rules
from knowledge.formats.alert_rules import parse

PATH = PurePath("rules/node.yaml")

RULES = """\
# Rules of the node exporter.
groups:
  - name: node
    interval: 1m
    rules:
      # The name of the mount point matters.
      - alert: NodeFilesystemAlmostOutOfSpace
        expr: |
          node_filesystem_avail_bytes / node_filesystem_size_bytes < 0.05
            and node_filesystem_readonly == 0  # not a comment of ours
        for: 30m
        labels:
          severity: warning
          service: storage
          job: node-exporter
        annotations:
          summary: Filesystem has less than 5% space left.
          runbook_url: https://runbooks.example.com/NodeFilesystemAlmostOutOfSpace
          description: >-
            {{ $labels.device }} at {{ $labels.instance }} is almost full.

      # The same, and worse.
      - alert: NodeFilesystemAlmostOutOfSpace
        expr: node_filesystem_avail_bytes / node_filesystem_size_bytes < 0.03
        labels: {severity: critical, service: storage}  # pages

      - record: instance:node_cpu:ratio
        expr: rate(node_cpu_seconds_total[5m])
      - {alert: NodeDown, expr: up == 0}
"""


def names(text: str) -> list[str]:
    return [document.name for document in parse(text, PATH)]


def lines_of(text: str, document: Document) -> str:
    """The lines of the file that the document says it is made of."""
    lines = text.split("\n")[document.first_line - 1 :]
    return "\n".join(lines[: document.text.count("\n") + 1])


def test_each_alert_is_a_document_of_its_lines() -> None:
    first, second, third = parse(RULES, PATH)
    assert first.text == RULES[RULES.index("      - alert:") : RULES.index("\n\n      # The same")]
    assert second.text == RULES[RULES.index("      - alert:", 200) : RULES.index("\n\n      - rec")]
    assert third.text == "      - {alert: NodeDown, expr: up == 0}"
    assert [document.first_line for document in (first, second, third)] == [7, 23, 29]
    for document in (first, second, third):
        assert document.text == lines_of(RULES, document)


def test_an_alert_says_what_it_is() -> None:
    first, second, third = parse(RULES, PATH)
    assert (first.title, first.kind) == ("NodeFilesystemAlmostOutOfSpace", "alert")
    assert (second.title, second.kind) == (first.title, "alert")
    assert first.services == ("storage", "node-exporter")
    assert (second.services, third.services) == (("storage",), ())
    assert first.dated_utc is None


def test_names_are_unique_in_the_file() -> None:
    assert names(RULES) == [
        "NodeFilesystemAlmostOutOfSpace",
        "NodeFilesystemAlmostOutOfSpace (2)",
        "NodeDown",
    ]
    rules = "".join(f"- alert: {name}\n  expr: up\n" for name in ["A", "A (2)", "A", "A"])
    assert names(rules) == ["A", "A (2)", "A (3)", "A (4)"]


def test_an_alert_can_be_divided_between_its_fields() -> None:
    first = parse(RULES, PATH)[0]
    (whole,) = first.blocks
    fields = [first.text[part.start : part.end] for part in whole.parts]
    assert "".join(fields) == first.text
    assert [field.split(":")[0].strip(" -") for field in fields] == [
        "alert",
        "expr",
        "for",
        "labels",
        "annotations",
    ]
    annotations = [first.text[part.start : part.end] for part in whole.parts[-1].parts]
    assert [words.strip().split(":")[0] for words in annotations] == [
        "annotations",
        "runbook_url",
        "description",
    ]


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("spec:\n  groups:\n  - rules:\n    - alert: A\n      expr: x\n", ["A"]),
        ("groups: [{rules: [{alert: A, expr: x}, {expr: y, alert: B}]}]\n", ["A", "B"]),
        ('{"groups": [{"rules": [{"alert": "A", "expr": "x"}]}]}', ["A"]),
        ("---\n- alert: A\n  expr: x\n---\n# nothing\n---\nalert: B\nexpr: y\n...\n", ["A", "B"]),
        (
            "kind: List\nitems:\n- spec:\n    groups:\n    - rules:\n      - {alert: A, expr: x}\n"
            "- kind: ConfigMap\n- spec: {groups: [{rules: [{alert: B, expr: y}]}]}\n",
            ["A", "B"],
        ),
        (
            "serverFiles:\n  alerts.yml:\n    groups:\n    - rules:\n      - {alert: A, expr: x}\n",
            ["A"],
        ),
        (
            "apiVersion: 1\ngroups:\n- folder: x\n  rules:\n  - uid: u\n    title: Disk is full\n"
            "    condition: C\n    data: [{refId: C, model: {title: x}}]\n"
            "  - title: Recorded\n    condition: C\n    data: []\n    record: {metric: m}\n",
            ["Disk is full"],
        ),
        (
            "- alert: 'Quoted: name'\n  expr: x\n- alert:\n    Next line\n  expr: x\n",
            ["Quoted: name", "Next line"],
        ),
        ("- alert: ''\n  expr: x\n", ["alert"]),
        ("- alert: A\n  expr: x\n  alert: B\n", ["B"]),
        ("- ? [a]\n  : b\n  alert: A\n  expr: x\n", ["A"]),
        ("- alert: [A]\n  expr: x\n- alert: B\n  expr: y\n", ["B"]),
        ("- &a {alert: A, expr: x}\n- *a\n- *a\n", ["A"]),
        ("- &a [*a, {alert: A, expr: x}]\n", ["A"]),
    ],
)
def test_rules_are_found_wherever_they_stand(text: str, found: list[str]) -> None:
    assert names(text) == found


@pytest.mark.parametrize(
    ("labels", "services"),
    [
        ("{service: a, app: b, component: c, namespace: d, job: e}", ("a", "b", "c", "e", "d")),
        ("{service: a, job: a}", ("a",)),
        ('{service: "{{ $labels.service }}", job: b}', ("b",)),
        ("{service: [a], job: {b: c}}", ()),
        ("{severity: page, team: core}", ()),
        ("none", ()),
        ("", ()),
        ("{service: ''}", ()),
    ],
)
def test_services_come_from_plain_labels(labels: str, services: tuple[str, ...]) -> None:
    (document,) = parse(f"- alert: A\n  expr: x\n  labels: {labels}\n", PATH)
    assert document.services == services


@pytest.mark.parametrize(
    ("before", "rule", "behind"),
    [
        ("", "- alert: A\n  expr: |\n    x\n\n    # in it", "\n\n# behind it\n"),
        ("", "- alert: A\n  expr: x # remark  ", "\n  # behind it\n"),
        ("-\n", "  alert: A\n  expr: x", "\n"),
        ("", "- alert: A\n  expr: 'x\n\n    y'", "\n\n\n"),
        ("", "- alert: A\n  expr:", "\n- b\n"),
        ("", "- alert: A\n  expr: x\n  labels: *l", "\n# behind it\n"),
        ("", "- alert: A\n  expr: x\n  labels: *l # remark", "\n- b\n"),
        ("", "- alert: A\n  expr: x\n  labels:\n    a: [b,\n     c]", "\n# behind it\n"),
        ("", "- alert: A\n  expr: x\n  list:\n  - a\n  - b", "\n\n# behind it\n"),
        ("- [", "{alert: A, expr: x}", ", b]\n"),
        ("- [", "{alert: A, expr: *l}", "]\n"),
        ("", "- !rule &r\n  alert: A\n  expr: x", "\n"),
    ],
)
def test_an_alert_ends_with_its_last_value(before: str, rule: str, behind: str) -> None:
    (document,) = parse("- &l {x: y}\n" + before + rule + behind, PATH)
    assert document.text == rule


HELM = """\
{{- if .Values.rules.enabled }}
{{- /* Don't say "rules",
  say `rules }`. */}}
apiVersion: monitoring.coreos.com/v1
kind: PrometheusRule
metadata:
  name: {{ include "chart.name" . }}-rules
  labels:
    {{- include "chart.labels" . | nindent 4 }}
spec:
  groups:
    {{- range .Values.groups }}
    - name: {{ .name }}
      rules:
        - alert: {{ $.Release.Name }}Down
          expr: up{job="{{ $.Values.job }}"} == 0
          labels:
            severity: {{ $.Values.severity }}
            service: {{ $.Values.service }}
            app: checkout
          annotations:
            summary: '{{`{{ $labels.pod }}`}} is down'
            description: "{{ "{{" }} $labels.pod {{ "}}" }} of {{ .Values.name | quote }}"
    {{- end }}
{{- end }}
"""


def test_a_helm_template_is_read_as_if_filled_in() -> None:
    (document,) = parse(HELM, PATH)
    assert document.name == document.title == "{{ $.Release.Name }}Down"
    assert document.services == ("checkout",)
    assert document.text == HELM[HELM.index("        - alert") : HELM.index("\n    {{- end")]
    assert document.first_line == 15


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "no alert rules in it"),
        ("a: [1, 2\n", "no alert rules in it"),
        ("kind: Deployment\nspec: {}\n", "no alert rules in it"),
        ("groups:\n- rules:\n  - record: a\n    expr: x\n", "no alert rules in it"),
        ("alert: no expression\n", "no alert rules in it"),
        ("title: A page\ncondition: x\n", "no alert rules in it"),
        ("- alert: A\n  expr: x\n - b\n", "not valid YAML: line 3: expected <block end>"),
        ("- alert: A\n  expr: {{ .x }}\n - b\n", "even without its templates: line 3"),
        ("alert: A\nexpr: [" + "[" * 5_000, "not valid YAML: line 1: nested too deeply"),
        ("alert: A\nexpr: *b\n", "line 2: found undefined alias 'b'"),
        ("alert: A\nexpr: \x07\n", "line 2: a character that YAML does not allow"),
    ],
)
def test_what_has_no_alerts_says_why(text: str, reason: str) -> None:
    with pytest.raises(Unusable, match=reason):
        parse(text, PATH)


def test_a_file_too_large_to_be_rules_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(alert_rules, "MAX_CHARS", len(RULES) - 1)
    with pytest.raises(Unusable, match="divide the file"):
        parse(RULES, PATH)


def test_aliases_of_aliases_are_looked_into_once() -> None:
    levels = [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]" for n in range(1, 60)]
    assert names("\n".join(["a0: &a0 {alert: A, expr: x}", *levels])) == ["A"]
