"""nginx and gunicorn on an incident's machine."""

from __future__ import annotations

from pathlib import Path

from benchmarks.incidents.machine import PYTHON
from benchmarks.incidents.scene import Scene

_NGINX = """\
user www-data;
worker_processes 1;
pid /srv/nginx/nginx.pid;
error_log /var/log/nginx/error.log notice;

events {
    worker_connections 512;
}

http {
    log_format timed '$remote_addr - $remote_user [$time_local] "$request" $status '
                     '$body_bytes_sent "$http_referer" "$http_user_agent" rt=$request_time';
    access_log /var/log/nginx/access.log timed;
    server_tokens off;
    keepalive_timeout 15;

    server {
        listen 80;
        server_name shop.example;
<locations>
    }
}
"""


def write_nginx(scene: Scene, locations: str) -> None:
    """nginx.conf with `locations` in its server."""
    indented = "".join(f"        {line}\n" if line else "\n" for line in locations.splitlines())
    scene.write("/etc/nginx/nginx.conf", _NGINX.replace("<locations>\n", indented))


def start_nginx(scene: Scene, locations: str) -> None:
    """An nginx on port 80; it logs to nginx/access.log and nginx/error.log."""
    write_nginx(scene, locations)
    scene.folder("/srv/nginx")
    scene.folder("/var/log/nginx")
    scene.start("nginx.out", "nginx", "-g", "daemon off;", user="root")
    scene.wait(1)


def start_gunicorn(scene: Scene, service: str, port: int) -> None:
    """The catalog under gunicorn, as `service`."""
    path = Path(scene.install("catalog_app.py", service))
    scene.start(
        f"{service}.log",
        *(PYTHON, "-m", "gunicorn", "--bind", f"127.0.0.1:{port}", "--workers", "2"),
        *("--worker-tmp-dir", "/dev/shm", "--access-logfile", "-", f"{path.stem}:app"),
        cwd=str(path.parent),
        environment={"HOME": str(path.parent)},
    )
    scene.wait(2)
