"""Units and nginx configurations with a defect that must be pointed out, and right ones."""

from collections.abc import Callable

import pytest

from tools.code.report import CodeReport, Language

Check = Callable[[Language, str], CodeReport]

UNIT = """[Unit]
Description=App
After=network-online.target
Wants=network-online.target

[Service]
Type=simple
User=app
ExecStart=/opt/app/bin/serve --port 8080
Restart=on-failure

[Install]
WantedBy=multi-user.target
"""
TIMER = """[Unit]
Description=t
[Timer]
OnCalendar=daily
Persistent=true
[Install]
WantedBy=timers.target
"""


def in_service(text: str) -> str:
    return UNIT.replace("Restart", f"{text}\nRestart")


SYSTEMD_DEFECTS = [
    ("section", UNIT.replace("[Install]", "[Instal]")),
    ("key", UNIT.replace("Restart=", "Restarts=")),
    ("key", UNIT.replace("Restart=on-failure", "Restart=on-failure\nStartLimitIntervalSec=5")),
    ("type", UNIT.replace("simple", "simpel")),
    ("restart", UNIT.replace("on-failure", "yes")),
    ("restart", UNIT.replace("simple", "oneshot").replace("on-failure", "always")),
    ("comment", UNIT.replace("on-failure", "on-failure # always again")),
    ("no-shell", UNIT.replace("8080", "8080 >> /var/log/app.log")),
    ("no-shell", UNIT.replace("8080", "8080 | tee /var/log/app.log")),
    ("path", UNIT.replace("/opt/app/bin/serve", "./serve")),
    ("no-exec", UNIT.replace("ExecStart=/opt/app/bin/serve --port 8080\n", "")),
    ("exec-twice", in_service("ExecStart=/opt/app/bin/more")),
    ("background", UNIT.replace("--port", "--daemon --port")),
    ("no-pid-file", UNIT.replace("simple", "forking")),
    ("order", UNIT.replace("Wants=", "Requires=db.service\nWants=")),
    ("online", UNIT.replace("Wants=network-online.target\n", "")),
    ("unit-name", UNIT.replace("network-online.target\nWants", "network-online.target db\nWants")),
    ("kill-mode", in_service("KillMode=none")),
    ("environment", in_service("Environment=OPTS=-a -b")),
    ("syntax", UNIT.replace("Restart=on-failure", "Restart on-failure")),
    ("no-time", TIMER.replace("OnCalendar=daily\n", "")),
    ("calendar", TIMER.replace("daily", "0 3 * * *")),
    ("install", TIMER.partition("[Install]")[0]),
    ("no-section", "echo hello\n"),
    ("deletes what the system needs", in_service("ExecStartPre=/bin/rm -rf /var/log")),
    ("secret stands in the unit", in_service("Environment=DB_PASSWORD=hunter2")),
]

SYSTEMD_CORRECT = {
    "service": UNIT,
    "timer": TIMER,
    "two files": "# /etc/systemd/system/job.service\n[Unit]\nDescription=Job\n[Service]\n"
    "Type=oneshot\n"
    "ExecStart=/usr/local/bin/job.sh\nUser=job\n\n# /etc/systemd/system/job.timer\n" + TIMER,
    "shell": UNIT.replace(
        "/opt/app/bin/serve --port 8080", "/bin/sh -c 'exec /opt/app/serve >> /var/log/app/out'"
    ),
    "hardened": in_service(
        "NoNewPrivileges=true\nProtectSystem=strict\nPrivateTmp=true\nMemoryMax=512M"
    ),
    "template": UNIT.replace("--port 8080", "--port %i \\\n  --verbose"),
    "socket": "[Socket]\nListenStream=80\n[Install]\nWantedBy=sockets.target\n",
    "drop-in": "[Service]\nExecStart=\nExecStart=/opt/app/bin/serve --port 9090\n",
}

SERVER = """server {
    listen 80;
    server_name app.example.com;
    location / {
        proxy_pass http://127.0.0.1:8080;
        proxy_set_header Host $host;
    }
}
"""


def in_server(text: str) -> str:
    return SERVER.replace("    location", f"    {text}\n    location", 1)


NGINX_DEFECTS = [
    ("syntax", SERVER.replace("server_name", "server_nam")),
    ("syntax", SERVER.replace("8080;", "8080")),
    ("syntax", SERVER.removesuffix("}\n")),
    ("syntax", in_server("worker_processes 4;")),
    ("nginx", in_server("client_max_body_size ten;")),
    ("nginx", in_server("location ~ ^/([a-z { return 404; }")),
    ("location-twice", in_server("location / { return 404; }")),
    ("no-ssl", SERVER.replace("listen 80", "listen 443")),
    ("dot", in_server("location ~ .php$ { return 404; }")),
    ("proxy-path", in_server("location ~ ^/api { proxy_pass http://127.0.0.1:81/x; }")),
    ("proxy-slash", in_server("location /api { proxy_pass http://127.0.0.1:81/; }")),
    ("if", in_server("location /x { if ($arg_a) { add_header X 1; } }")),
    ("inheritance", in_server("add_header X-A 1;\n    location /x { add_header X-B 2; }")),
    ("name-twice", SERVER + SERVER),
    ("error-log", in_server("error_log off;")),
    ("no-server", "upstream app { keepalive 8; }\n" + SERVER),
    ("keepalive", "upstream app { server 10.0.0.1:80; keepalive 8; }\n" + SERVER),
    ("zone", "events {}\nhttp {\n" + in_server("limit_req zone=api burst=5;") + "}\n"),
    ("serves the folder above", in_server("location /img { alias /srv/img/; }")),
    ("lists every file", in_server("location /pub/ { autoindex on; }")),
    ("which is broken", in_server("ssl_protocols TLSv1 TLSv1.2;")),
    ("whatever host the request names", in_server("location /p/ { proxy_pass http://$arg_host; }")),
    ("into a header", in_server("location /o/ { return 301 https://$host$uri; }")),
    ("shows the server's state", in_server("location /status { stub_status; }")),
    ("takes bodies of any size", in_server("client_max_body_size 0;")),
    ("to the world", in_server("root /;")),
]

NGINX_CORRECT = {
    "server": SERVER,
    "redirect": "server {\n  listen 80;\n  server_name a.example.com;\n  return 301 https://$host$request_uri;\n}\n",
    "tls": """server {
    listen 443 ssl;
    server_name app.example.com;
    ssl_certificate /etc/ssl/app.pem;
    ssl_certificate_key /etc/ssl/app.key;
    ssl_protocols TLSv1.2 TLSv1.3;
    location /static/ { alias /srv/app/static/; expires 1d; }
    location / { proxy_pass http://127.0.0.1:8080; proxy_set_header Host $host; }
}
""",
    "whole": """user www-data;
worker_processes auto;
error_log /var/log/nginx/error.log warn;
events { worker_connections 1024; }
http {
    include mime.types;
    log_format main '$remote_addr "$request" $status';
    access_log /var/log/nginx/access.log main;
    limit_req_zone $binary_remote_addr zone=api:10m rate=10r/s;
    map $http_upgrade $connection_upgrade { default upgrade; '' close; }
    upstream app { server app1:8080 max_fails=3; server app2:8080 backup; }
    server {
        listen 80 default_server;
        server_name _;
        location /api/ {
            limit_req zone=api burst=20 nodelay;
            proxy_pass http://app/;
            proxy_http_version 1.1;
            proxy_set_header Upgrade $http_upgrade;
            proxy_set_header Connection $connection_upgrade;
        }
        location ~ \\.php$ { fastcgi_pass unix:/run/php/fpm.sock; include fastcgi_params; }
        location = /status { stub_status; allow 127.0.0.1; deny all; }
        if ($request_method = TRACE) { return 405; }
        location @fallback { proxy_pass http://app; }
        location / { root /srv/www; try_files $uri $uri/ @fallback; }
    }
}
""",
    "location": "location /files/ {\n    root /srv;\n    gzip on;\n    gzip_types text/css "
    "application/json;\n}\n",
    "pattern": in_server('location ~* "^/v[0-9]{1,2}/" { return 404; }'),
}


@pytest.mark.parametrize(
    ("language", "expected", "code"),
    [
        *(("systemd", *pair) for pair in SYSTEMD_DEFECTS),
        *(("nginx", *pair) for pair in NGINX_DEFECTS),
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
    if expected == "nginx" and report.not_checked:
        pytest.skip("nginx is not installed")
    assert points_out(report, expected), report


@pytest.mark.parametrize(
    ("language", "code"),
    [
        *(("systemd", code) for code in SYSTEMD_CORRECT.values()),
        *(("nginx", code) for code in NGINX_CORRECT.values()),
    ],
)
def test_right_files_raise_no_alarm(check: Check, language: Language, code: str) -> None:
    report = check(language, code)
    assert not report.dangers
    assert not [problem for problem in report.problems if problem.severity != "info"]
