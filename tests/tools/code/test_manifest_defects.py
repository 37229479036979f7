"""Manifests and playbooks with a defect that must be pointed out, and right ones left alone."""

from collections.abc import Callable

import pytest

from tools.code.report import CodeReport, Language

Check = Callable[[Language, str], CodeReport]

POD = """apiVersion: v1
kind: Pod
metadata: {name: a, namespace: x}
spec:
"""
DEPLOYMENT = """apiVersion: apps/v1
kind: Deployment
metadata: {name: web, namespace: shop}
spec:
  replicas: 2
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec:
"""
BOX = """      containers:
        - name: web
          image: registry.example.com/web:1.4.2
          ports: [{name: http, containerPort: 8080}]
          readinessProbe: {httpGet: {path: /ready, port: http}}
          resources: {requests: {cpu: 100m, memory: 128Mi}, limits: {memory: 256Mi}}
"""
RIGHT = DEPLOYMENT + BOX
SERVICE = """---
apiVersion: v1
kind: Service
metadata: {name: web, namespace: shop}
spec:
  selector: {app: web}
  ports: [{port: 80, targetPort: http}]
"""

KUBERNETES_DEFECTS = [
    ("schema", RIGHT.replace("replicas: 2", 'replicas: "2"')),
    ("schema", RIGHT.replace("containerPort", "containerport")),
    ("schema", RIGHT.replace("    spec:\n      containers", "    spec:\n      container")),
    (
        "schema",
        "apiVersion: v1\nkind: List\nitems:\n- "
        + POD.replace("\n", "\n  ")
        + "    containrs: []\n",
    ),
    ("no-such-kind", RIGHT.replace("apps/v1", "extensions/v1beta1")),
    ("no-kind", "metadata: {name: a}\nspec: {}\n"),
    ("selector", RIGHT.replace("labels: {app: web}}", "labels: {app: api}}")),
    ("service-selector", RIGHT + SERVICE.replace("{app: web}", "{app: api}")),
    ("target-port", RIGHT + SERVICE.replace("targetPort: http", "targetPort: web")),
    ("image-tag", RIGHT.replace("web:1.4.2", "web:latest")),
    ("image-tag", RIGHT.replace("web:1.4.2", "web")),
    ("no-limit", RIGHT.replace(", limits: {memory: 256Mi}", "")),
    ("request-over-limit", RIGHT.replace("memory: 128Mi", "memory: 1Gi")),
    ("unit", RIGHT.replace("memory: 256Mi", "memory: 256m")),
    ("port-name", RIGHT.replace("port: http}}", "port: web}}")),
    ("no-volume", RIGHT + "          volumeMounts: [{name: data, mountPath: /data}]\n"),
    ("restart-policy", RIGHT + "      restartPolicy: Never\n"),
    (
        "restart-policy",
        "apiVersion: batch/v1\nkind: Job\nmetadata: {name: j}\nspec: {template: {spec: "
        "{containers: "
        "[{name: a, image: 'a:1', resources: {requests: {cpu: 1}, limits: {memory: 1Gi}}}]}}}\n",
    ),
    ("duplicate-key", RIGHT.replace("  replicas: 2\n", "  replicas: 2\n  replicas: 3\n")),
    ("all rights on the node", RIGHT + "          securityContext: {privileged: true}\n"),
    (
        "near to all rights",
        RIGHT + "          securityContext: {capabilities: {add: [SYS_ADMIN]}}\n",
    ),
    ("node's own network", RIGHT + "      hostNetwork: true\n"),
    ("opens the node's /", RIGHT + "      volumes: [{name: r, hostPath: {path: /}}]\n"),
    ("stands in the manifest", RIGHT + "          env: [{name: DB_PASSWORD, value: hunter2}]\n"),
    ("takes the workload down", RIGHT.replace("replicas: 2", "replicas: 0")),
    (
        "masters of the cluster",
        "apiVersion: rbac.authorization.k8s.io/v1\nkind: ClusterRoleBinding\nmetadata: {name: b}\n"
        "roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: cluster-admin}\n"
        "subjects: [{kind: ServiceAccount, name: app, namespace: x}]\n",
    ),
    (
        "everything on everything",
        "apiVersion: rbac.authorization.k8s.io/v1\nkind: Role\nmetadata: {name: r, namespace: x}\n"
        "rules: [{apiGroups: ['*'], resources: ['*'], verbs: ['*']}]\n",
    ),
    (
        "base64",
        "apiVersion: v1\nkind: Secret\nmetadata: {name: s, namespace: x}\ndata: {a: 'not "
        "base64!'}\n",
    ),
    (
        "schedule",
        "apiVersion: batch/v1\nkind: CronJob\nmetadata: {name: c, namespace: x}\nspec:\n"
        "  schedule: '0 3 * *'\n  jobTemplate: {spec: {template: {spec: {restartPolicy: Never, "
        "containers: [{name: a, image: 'a:1'}]}}}}\n",
    ),
    ("syntax", "apiVersion: v1\nkind: Pod\n\tmetadata: {}\n"),
    ("syntax", "apiVersion: v1\nkind: ConfigMap\ndata: {a: {{ .Values.x }}}\n"),
]

AUTOSCALER = """---
apiVersion: autoscaling/v2
kind: HorizontalPodAutoscaler
metadata: {name: web, namespace: shop}
spec:
  scaleTargetRef: {apiVersion: apps/v1, kind: Deployment, name: web}
  minReplicas: 2
  maxReplicas: 6
"""
BUDGET = """---
apiVersion: policy/v1
kind: PodDisruptionBudget
metadata: {name: web, namespace: shop}
spec: {minAvailable: 2, selector: {matchLabels: {app: web}}}
"""
KUBERNETES_DEFECTS += [
    ("replicas", RIGHT + AUTOSCALER),
    ("replicas", AUTOSCALER.replace("minReplicas: 2", "minReplicas: 8")),
    ("budget", RIGHT + BUDGET),
    ("object-twice", RIGHT + "---\n" + RIGHT),
    ("env-twice", RIGHT + "          env: [{name: A, value: '1'}, {name: A, value: '2'}]\n"),
]

KUBERNETES_CORRECT = {
    "autoscaled": RIGHT.replace("  replicas: 2\n", "") + AUTOSCALER,
    "budget": RIGHT.replace("replicas: 2", "replicas: 3") + BUDGET,
    "budget of those away": RIGHT.replace("  replicas: 2\n", "")
    + BUDGET.replace("minAvailable: 2", "maxUnavailable: 1"),
    "deployment and service": RIGHT + SERVICE,
    "config map": "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: c, namespace: x}\ndata:\n "
    " a: 'yes'\n",
    "policy": """apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: p, namespace: shop}
spec:
  podSelector: {matchLabels: {app: web}}
  policyTypes: [Ingress]
  ingress: [{from: [{podSelector: {matchLabels: {app: front}}}]}]
""",
    "cron job": """apiVersion: batch/v1
kind: CronJob
metadata: {name: c, namespace: x}
spec:
  schedule: "0 3 * * *"
  concurrencyPolicy: Forbid
  jobTemplate:
    spec:
      template:
        spec:
          restartPolicy: OnFailure
          containers:
            - name: a
              image: registry.example.com/a:1.0
              resources: {requests: {cpu: 100m, memory: 64Mi}, limits: {memory: 128Mi}}
""",
    "secret from elsewhere": RIGHT
    + "          env: [{name: DB_PASSWORD, valueFrom: {secretKeyRef: {name: db, key: "
    "password}}}]\n",
    "autoscaler": """apiVersion: autoscaling/v2
kind: HorizontalPodAutoscaler
metadata: {name: web, namespace: shop}
spec:
  scaleTargetRef: {apiVersion: apps/v1, kind: Deployment, name: web}
  minReplicas: 2
  maxReplicas: 6
""",
    "of the cluster's own": "apiVersion: monitoring.coreos.com/v1\nkind: ServiceMonitor\n"
    "metadata: {name: m, namespace: x}\nspec: {selector: {}}\n",
}

PLAY = "- name: p\n  hosts: web\n  become: true\n  serial: 1\n  tasks:\n"

ANSIBLE_DEFECTS = [
    ("no-list", "hosts: web\ntasks: []\n"),
    ("no-hosts", "- name: p\n  tasks: []\n"),
    ("unknown-key", "- name: p\n  hosts: web\n  taskss: []\n"),
    ("unknown-key", PLAY + "    - name: t\n      ping:\n      notifi: x\n"),
    ("no-module", PLAY + "    - name: t\n      when: x\n"),
    (
        "two-modules",
        PLAY + "    - name: t\n      apt: {name: nginx}\n      service: {name: nginx}\n",
    ),
    ("unknown-module", PLAY + "    - name: t\n      frobnicate: {name: nginx}\n"),
    (
        "changed-when",
        PLAY + "    - name: t\n      ansible.builtin.command: systemctl status nginx\n",
    ),
    (
        "no-shell",
        PLAY + "    - name: t\n      command: cat /etc/hosts | wc -l\n      changed_when: false\n",
    ),
    (
        "no-pipefail",
        PLAY + "    - name: t\n      shell: cat /x | wc -l\n      changed_when: false\n",
    ),
    ("ignored", PLAY + "    - name: t\n      ping:\n      ignore_errors: true\n"),
    ("mode", PLAY + "    - name: t\n      file: {path: /srv/x, state: directory, mode: 755}\n"),
    ("braces", PLAY + '    - name: t\n      ping:\n      when: "{{ x }}"\n'),
    ("comparison", PLAY + "    - name: t\n      ping:\n      when: x = 1\n"),
    ("latest", PLAY + "    - name: t\n      apt: {name: nginx, state: latest}\n"),
    ("validate", PLAY + "    - name: t\n      copy: {src: s, dest: /etc/sudoers, mode: '0440'}\n"),
    ("no-log", PLAY + "    - name: t\n      user: {name: a, password: '{{ db_password }}'}\n"),
    (
        "no-handler",
        PLAY + "    - name: t\n      ping:\n      notify: Reload\n  handlers:\n    - name: "
        "Restart\n"
        "      service: {name: nginx, state: restarted}\n",
    ),
    ("syntax", PLAY + "    - name: t\n      debug: {msg: {{ x }}}\n"),
    ("deletes /etc/nginx", PLAY + "    - name: t\n      file: {path: /etc/nginx, state: absent}\n"),
    ("whatever {{ dir }}", PLAY + "    - name: t\n      file: path={{ dir }} state=absent\n"),
    ("of the file system's root", PLAY + "    - name: t\n      shell: rm -rf {{ dir }}/*\n"),
    (
        "on every host",
        PLAY.replace("web", "all").replace("  serial: 1\n", "")
        + "    - name: t\n      service: {name: nginx, state: restarted}\n",
    ),
    ("restarts every host", PLAY.replace("  serial: 1\n", "") + "    - name: t\n      reboot:\n"),
    (
        "nobody reaches the hosts",
        PLAY + "    - name: t\n      service: {name: sshd, state: stopped}\n",
    ),
    (
        "does not check who",
        PLAY + "    - name: t\n      get_url: {url: u, dest: /x, validate_certs: no}\n",
    ),
    ("lets every user", PLAY + "    - name: t\n      file: {path: /srv/x, mode: '0777'}\n"),
    ("drops a database", PLAY + "    - name: t\n      postgresql_db: {name: app, state: absent}\n"),
    (
        "stands in the file",
        PLAY.replace("  tasks", "  vars: {db_password: hunter2}\n  tasks") + "    - ping:\n",
    ),
]

ANSIBLE_CORRECT = {
    "playbook": """- name: Install nginx
  hosts: web
  become: true
  serial: 1
  tasks:
    - name: Install
      ansible.builtin.apt:
        name: nginx
        state: present
        update_cache: true
    - name: Configure
      ansible.builtin.template:
        src: nginx.conf.j2
        dest: /etc/nginx/nginx.conf
        mode: "0644"
        validate: nginx -t -c %s
      notify: Reload nginx
  handlers:
    - name: Reload nginx
      ansible.builtin.service:
        name: nginx
        state: reloaded
""",
    "tasks of a role": """- name: Look at the state
  ansible.builtin.command: systemctl is-active app
  register: app_state
  changed_when: false
  failed_when: false
- name: Start it
  ansible.builtin.systemd_service:
    name: app
    state: started
  when: app_state.stdout != "active"
""",
    "block": """- name: Roll out
  hosts: app
  serial: 2
  tasks:
    - name: Deploy with a way back
      block:
        - name: Unpack
          ansible.builtin.unarchive:
            src: app-1.2.tar.gz
            dest: /srv/app
            owner: app
      rescue:
        - name: Tell
          ansible.builtin.debug:
            msg: "failed on {{ inventory_hostname }}"
""",
    "bounded delete": """- name: Clean
  hosts: app
  vars:
    cache_dir: /srv/app/cache
  tasks:
    - name: Remove the cache
      ansible.builtin.file:
        path: "{{ cache_dir }}/tmp"
        state: absent
    - name: Find old files
      ansible.builtin.find:
        paths: /srv/app/tmp
        age: 14d
      register: old
    - name: Remove them
      ansible.builtin.file:
        path: "{{ item.path }}"
        state: absent
      loop: "{{ old.files }}"
""",
    "secrets kept": """- name: Database
  hosts: db
  tasks:
    - name: User
      community.postgresql.postgresql_user:
        name: app
        password: "{{ vault_db_password }}"
      no_log: true
""",
}

PLAIN_DEFECTS = [
    ("duplicate-key", "a: 1\nb: 2\na: 3\n"),
    ("syntax", "a: [1, 2\nb: 3\n"),
    ("syntax", "a: b: c\n"),
    ("syntax", "a: &x [*x]\n"),
    ("syntax", "a: {{ value }}\n"),
    ("base-sixty", "ports: [22:22]\n"),
    ("all rights on the machine", "services: {a: {image: x, privileged: true}}\n"),
    ("the machine's docker", "volumes: ['/var/run/docker.sock:/var/run/docker.sock']\n"),
    ("stands in the file", "database:\n  password: hunter2\n"),
]
PLAIN_CORRECT = [
    "a: 1\nb: [x, y]\nc:\n  - d: e\n",
    "key: !vault |\n  x\n",
    "base: &base {a: 1}\none: {<<: *base, b: 2}\n",
    "password: ${DB_PASSWORD}\nports: ['80:80']\nwhen: 2026-01-01 10:00:00\n",
]


@pytest.mark.parametrize(
    ("language", "expected", "code"),
    [
        *(("kubernetes", *pair) for pair in KUBERNETES_DEFECTS),
        *(("ansible", *pair) for pair in ANSIBLE_DEFECTS),
        *(("yaml", *pair) for pair in PLAIN_DEFECTS),
    ],
)
def test_defects_are_pointed_out(
    check: Check,
    points_out: Callable[[CodeReport, str], bool],
    language: Language,
    expected: str,
    code: str,
) -> None:
    report = check(language, code)
    assert points_out(report, expected), report


@pytest.mark.parametrize(
    ("language", "code"),
    [
        *(("kubernetes", code) for code in KUBERNETES_CORRECT.values()),
        *(("ansible", code) for code in ANSIBLE_CORRECT.values()),
        *(("yaml", code) for code in PLAIN_CORRECT),
    ],
)
def test_right_documents_raise_no_alarm(check: Check, language: Language, code: str) -> None:
    report = check(language, code)
    assert not report.dangers
    assert not [problem for problem in report.problems if problem.severity != "info"]
