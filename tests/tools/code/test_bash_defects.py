"""Shell scripts with a defect that must be pointed out, and right ones that must be left alone."""

from collections.abc import Callable

import pytest

from tools.code.report import CodeReport, Language

Check = Callable[[Language, str], CodeReport]

# (what is expected: a problem's code, or words of a danger; the script)
DEFECTS = [
    # What deletes
    ("of the file system's root when $TARGET", 'rm -rf "$TARGET/"*'),
    ("of the file system's root when $d", "d=$(get_dir)\nrm -rf $d/cache"),
    ("deletes the whole file system", "sudo rm -rf --no-preserve-root /"),
    ("deletes what the system needs", "sudo -u root nice -n 10 rm -fr /var/lib/"),
    ("deletes what the system needs", "ssh web1 'rm -rf /etc/*'"),
    ("deletes a whole service's data", 'bash -c "rm -rf /var/lib/postgresql"'),
    ("deletes all of /srv/releases/", 'release=$1\nrm -rf "/srv/releases/$release"'),
    ("deletes * of whatever folder", "cd $WORK\nrm -rf *"),
    ("deletes, with all below, whatever names arrive", "cat list.txt | xargs rm -rf"),
    ("deletes other files where a name has a blank", "find /tmp -name '*.tmp' | xargs rm"),
    ("deletes everything below /var/cache/app", "find /var/cache/app -delete"),
    ("-delete stands before the tests", "find /data/in -delete -name '*.tmp'"),
    ("deletes everything below .", "find . -exec rm -rf {} +"),
    ("deletes at the target", "rsync -a --delete /srv/empty/ backup:/srv/data/"),
    ("empties a log", "> /var/log/syslog"),
    ("deletes logs", "rm -f /var/log/nginx/access.log"),
    ("clears the shell's history", "history -c && rm -f ~/.bash_history"),
    ("deletes every job of the table", "crontab -r"),
    ("replaces the whole table", "echo '0 3 * * * /x.sh' | crontab -"),
    # The machine
    ("overwrites a disk", "dd if=/dev/zero of=/dev/sda bs=1M"),
    ("overwrites a disk", "cat image.raw > /dev/nvme0n1"),
    ("destroys what is on the disk", "mkfs.ext4 -F /dev/sdb1"),
    ("lets every user", "chmod -R 777 /srv/app"),
    ("changes rights or owners of all below /", "chown -R app: /usr"),
    ("kills every process", "kill -9 -1"),
    ("kills whatever a search", "ps aux | grep nginx | awk '{print $2}' | xargs kill"),
    ("starts itself without end", ":(){ :|:& };:"),
    ("removes every firewall rule", "iptables -F"),
    ("nobody reaches the machine", "systemctl stop sshd"),
    ("nobody reaches the machine", "ssh db1 'sudo systemctl disable --now ssh'"),
    ("takes the whole machine down", "timeout 5 reboot"),
    ("nothing keeps what was there", "echo 'nameserver 10.0.0.1' > /etc/resolv.conf"),
    ("nothing keeps what was there", "echo x | sudo tee /etc/nginx/nginx.conf"),
    ("nothing keeps what was there", "sed -i 's/a/b/' /etc/ssh/sshd_config"),
    ("changes who gets in", "echo 'app ALL=(ALL) NOPASSWD: ALL' >> /etc/sudoers"),
    # From elsewhere
    ("runs code from the network unseen", "curl -s https://example.com/i.sh | sudo bash"),
    ("runs code from the network unseen", "bash <(wget -qO- https://example.com/i.sh)"),
    ("runs code from the network unseen", 'eval "$(curl -fsS https://example.com/env)"'),
    ("runs whatever a variable holds", 'read -r line\neval "$line"'),
    ("shows a secret", 'curl -u "admin:$PASSWORD" https://api.example.com/x'),
    ("shows a secret", "psql postgres://app:hunter2@db/app -c 'select 1'"),
    ("traces every command", 'set -x\nexport API_TOKEN\ncurl -fsS -m 5 "$URL?t=$API_TOKEN"'),
    ("stands in the script", 'DB_PASSWORD="hunter2"\nexport DB_PASSWORD'),
    ("does not check who answers", "curl -k https://internal/health"),
    ("does not check which host", "ssh -o StrictHostKeyChecking=no web1 uptime"),
    # Clusters, databases, repositories
    ("with all that is in it", "kubectl delete ns payments"),
    ("deletes every object of the kind", "kubectl -n prod delete pods --all"),
    ("evicts every pod", "kubectl drain node1 --force --delete-emptydir-data"),
    ("takes the workload down", "kubectl -n prod scale deploy/web --replicas=0"),
    ("deletes every stopped container", "docker system prune -af"),
    ("deletes volumes", "docker volume prune -f"),
    ("takes every container", "docker rm -f $(docker ps -aq)"),
    ("destroys everything that it manages", "terraform destroy -auto-approve"),
    ("overwrites the history", "git push --force origin main"),
    ("overwrites the history", "git push origin +main"),
    ("deletes a branch or tag", "git push origin :old main"),
    ("throws uncommitted changes away", "git -C /srv/app reset --hard origin/main"),
    ("deletes every row of orders", "psql -U app -c 'DELETE FROM orders' shop"),
    ("changes every row of users", "mysql shop <<EOF\nUPDATE users SET active=0;\nEOF"),
    ("empties a table", "echo 'TRUNCATE sessions;' | psql app"),
    ("drops all that is in it", 'sudo -u postgres psql -c "DROP DATABASE app"'),
    ("empties or stops the whole store", "redis-cli -h cache1 FLUSHALL"),
    # What fails unnoticed
    ("no-pipefail", "set -eu\nmysqldump app | gzip > /backup/app.sql.gz\necho done"),
    ("no-pipefail", "if curl -fsS -m 5 https://a/b.tar | tar xz -C /srv/app; then echo ok; fi"),
    ("hidden-failure", "pg_dump app -f /backup/app.sql || true"),
    ("late-status", "rsync -a /a/ /b/\necho copied\nif [ $? -ne 0 ]; then exit 1; fi"),
    ("exit-status", 'if ! ping -c1 db; then\n  echo "error: no answer"\n  exit 0\nfi'),
    ("errexit-surprise", 'set -e\nn=$(grep -c ERROR app.log)\necho "$n"'),
    ("errexit-surprise", 'set -e\ni=0\n((i++))\necho "$i"'),
    (
        "rotates-unchecked",
        "tar czf /backup/new.tgz /srv\nfind /backup -name '*.tgz' -mtime +7 -delete",
    ),
    ("SC2164", "cd /srv/app\n./deploy.sh"),
    ("SC2155", 'f() { local x=$(false); echo "$x"; }\nf'),
    ("SC2024", "sudo echo 1 > /proc/sys/net/ipv4/ip_forward"),
    ("SC2095", 'while read -r h; do\n  ssh "$h" uptime\ndone < hosts'),
    ("syntax", "if true; then\n  echo a\n"),
    # What waits, hangs, or runs all at once
    ("busy-loop", "while true; do\n  check_it\ndone"),
    ("endless-wait", "until nc -z db 5432; do\n  sleep 1\ndone"),
    ("curl-no-fail", "curl -s https://a/b.json -o /srv/b.json"),
    ("all-at-once", 'for h in web1 web2; do ssh "$h" systemctl restart app; done'),
    ("ssh-no-time-limit", 'for h in web1 web2; do ssh "$h" uptime; done'),
    ("no-wait", 'for h in a b c; do\n  work "$h" &\ndone\necho done'),
    ("eaten-input", 'while read -r pod; do\n  kubectl exec -i "$pod" -n x -- date\ndone < pods'),
    # What works on the day it is written
    ("fixed-temporary", "ps aux > /tmp/ps.txt"),
    ("lock-race", "if [ -f /run/job.lock ]; then exit 1; fi\ntouch /run/job.lock\nwork"),
    ("argument-unchecked", 'systemctl restart "$1"'),
    (
        "configuration-unchecked",
        "cp -a /etc/nginx/nginx.conf /root/\nsed -i 's/a/b/' /etc/nginx/nginx.conf\n"
        "systemctl restart nginx",
    ),
    ("no-namespace", "kubectl rollout restart deploy/web"),
    ("moved-log", "mv /srv/app/app.log /srv/app/app.log.1"),
    ("kill-9", 'kill -9 "$(cat /run/app.pid)"'),
    ("asks", "apt-get install nginx"),
    ("uniq-unsorted", "cut -d' ' -f1 access.log | uniq -c"),
    ("sort-human", "du -sh /var/* | sort -n"),
    ("percent", "df -h | awk '$5 > 90 {print $6}'"),
    ("awk-quotes", 'ps aux | awk "{print $2}"'),
    ("interactive", "su - postgres\npsql -c 'select 1'"),
    ("interactive", "top > /var/tmp/out"),
    ("never-ends", "tail -f /var/log/syslog | grep ERROR\necho done"),
    ("never-ends", "ping db1 && echo up"),
    (
        "whatever names a search gives",
        "kubectl get pods -n x | awk '{print $1}' | xargs kubectl -n x delete pod",
    ),
    ("kills whatever uses", "fuser -k 8080/tcp"),
    ("of whatever folder", "cd /var/log/app\nrm -f *.log"),
    ("rotates-unchecked", "tar czf /backup/a.tgz /srv/in\nrm -rf /srv/in/done"),
    ("hidden-failure", "rsync -a /srv/ backup:/srv/ || echo failed\necho ok"),
    ("all-at-once", "for d in a b; do kubectl -n x rollout restart deploy/$d; done"),
    ("kills every process that is named", "pkill -f java"),
    ("target-unchecked", "mv /backup/*.sql $DEST"),
    ("sql-values", "psql -c \"DELETE FROM sessions WHERE name = '$1'\""),
    ("fixed-wait", "systemctl restart db\nsleep 30\nsystemctl restart app"),
    ("placeholder", "kubectl -n shop logs <pod-name> --tail=50"),
    ("decimal", "load=$(cut -d' ' -f1 /proc/loadavg)\nif [ \"$load\" -gt 4 ]; then echo high; fi"),
]

# (what must not be said, the script): each is near to a defect above, and none.
NEAR_MISSES = [
    ("of the file system's root", 'rm -rf "${TARGET:?}/"*'),
    ("nothing checks it", "rm -f $x"),
    ("deletes logs", "rm -f /srv/app/access.log"),
    ("of whatever folder", "cd /srv/app || exit 1\nrm -f *.log"),
    ("of whatever folder", "set -e\ncd /srv/app\nrm -rf ./*"),
    ("deletes all of", 'rm -f "/srv/releases/$release"'),
    ("whatever names arrive", "cat list.txt | xargs rm -f"),
    ("where a name has a blank", "find /srv -name '*.tmp' -print0 | xargs -0 rm"),
    ("deletes everything below", "find /srv/cache -name '*.tmp' -delete"),
    ("stands before the tests", "find /srv/cache -name '*.tmp' -delete"),
    ("anywhere below", "find / -xdev -size +1G -print"),
    ("deletes at the target", "rsync -an --delete /a/ /b/"),
    ("empties a log", "echo started > /var/log/app-state"),
    ("replaces the whole table", "{ crontab -l; echo '0 3 * * * /x.sh'; } | crontab -"),
    ("deletes every job", "crontab -l"),
    ("overwrites a disk", "dd if=/dev/sda of=/srv/disk.img bs=1M"),
    ("overwrites a disk", "echo x > /dev/null"),
    ("rewrites a disk's partitions", "fdisk -l /dev/sda"),
    ("takes the whole machine down", "shutdown -c"),
    ("lets every user", "chmod -R 750 /srv/app"),
    ("lets every user", "chmod 1777 /srv/tmp && chmod u+w,go-w /srv/x"),
    ("changes rights or owners", "chown -R app: /srv/app/data"),
    ("changes rights or owners", "chown app: /usr/local/bin"),
    ("kills its own group", "kill -HUP 1"),
    ("kills whatever", 'kill "$(pgrep -x nginx)"'),
    ("kills every process that is named", "pkill -x -f 'app-worker --queue mail'"),
    ("removes every firewall rule", "iptables -D INPUT -s 10.0.0.5 -j DROP"),
    ("nobody reaches", "systemctl restart sshd"),
    ("nobody reaches", "service ssh status"),
    ("nothing keeps", "cp -a /etc/hosts /root/hosts\necho x > /etc/hosts"),
    ("nothing keeps", "sed -i.bak 's/a/b/' /etc/ssh/sshd_config"),
    ("nothing keeps", "tee -a /etc/profile < x"),
    ("runs code from the network", "curl -fsS -m 5 https://a/x.json | python3 -m json.tool"),
    ("runs code from the network", "curl -fsSo i.sh -m 5 https://a/i.sh && bash i.sh"),
    ("runs whatever a variable", "eval 'ls -l'"),
    ("shows a secret", "curl -fsS -m 5 -H 'Accept: text/plain' https://a/x"),
    ("shows a secret", "docker run -d -p 80:80 nginx:1.27"),
    ("shows a secret", "mysql --defaults-file=/root/.my.cnf -e 'select 1'"),
    ("traces every command", "set -x\nls"),
    ("stands in the script", 'PASSWORD_FILE=/run/secrets/db\nTOKEN=$(cat "$PASSWORD_FILE")'),
    ("writes a secret", 'echo "$TOKEN" | docker login --password-stdin'),
    ("with all that is in it", "kubectl delete pod web-1 -n shop"),
    ("with all that is in it", "kubectl delete ns shop --dry-run=client"),
    ("takes the workload down", "kubectl -n shop scale deploy/web --replicas=3"),
    ("scales every workload", "kubectl -n shop scale deploy/web --replicas=3"),
    ("deletes by a label", 'app=${1:?}\nkubectl -n shop delete pod -l app="$app"'),
    ("takes every container", "docker rm $(docker ps -aq --filter status=exited)"),
    ("without asking", "terraform plan -out=tf.plan"),
    ("overwrites the history", "git push --force-with-lease origin feature"),
    ("deletes files that git", "git clean -nd"),
    ("deletes every row", "psql -c 'DELETE FROM a WHERE id = 5'"),
    ("deletes every row", "echo 'DELETE FROM orders'"),
    ("empties or stops the whole store", "redis-cli -h cache1 INFO"),
    ("deletes what stands at an address", "curl -fsS -m 5 -X POST https://a/x"),
    ("no-errexit", "set -e\ncp a b\nmv b c"),
    ("no-errexit", "systemctl restart nginx"),
    ("no-pipefail", "set -o pipefail\npg_dump app | gzip > /backup/a.gz"),
    ("no-pipefail", "ps aux | grep nginx > out"),
    ("no-pipefail", "curl -s https://a/x 2>/dev/null | jq ."),
    ("hidden-failure", "grep x y || true"),
    ("late-status", "rsync -a /a/ /b/\nif [ $? -ne 0 ]; then exit 1; fi"),
    ("exit-status", 'echo "no errors"\nexit 0'),
    ("exit-status", 'echo "error: no answer"\nexit 1'),
    ("errexit-surprise", 'n=$(grep -c ERROR app.log)\necho "$n"'),
    ("errexit-surprise", 'set -e\nn=$(grep x y | wc -l)\necho "$n"'),
    ("errexit-surprise", 'set -e\nif n=$(grep x y); then echo "$n"; fi'),
    ("rotates-unchecked", "tar czf /backup/a.tgz /srv && find /backup -mtime +7 -delete"),
    ("rotates-unchecked", "tar czf /backup/a.tgz /srv\nrm -f /run/app.flag"),
    ("busy-loop", "while true; do work; sleep 5; done"),
    ("busy-loop", 'while read -r line; do echo "$line"; done < x'),
    ("endless-wait", "for i in 1 2 3; do curl -fsS -m 5 https://a && break; sleep 1; done"),
    ("endless-wait", "until nc -z db 5432; do sleep 1; ((++n < 30)) || exit 1; done"),
    ("curl-no-fail", "curl -s -m 5 -o /dev/null -w '%{http_code}' https://a"),
    ("no-time-limit", "timeout 5 curl -fsS https://a"),
    ("all-at-once", "for h in a b; do ssh -n $h systemctl restart x; curl -fsS $h/health; done"),
    ("all-at-once", "systemctl restart app"),
    ("fixed-wait", "systemctl restart db\nsleep 3\nsystemctl is-active db"),
    ("ssh-no-time-limit", "ssh web1 uptime"),
    ("eaten-input", 'while read -r h; do ssh -n "$h" uptime; done < hosts'),
    ("eaten-input", "while read -r h; do psql -c 'select 1' \"$h\"; done < hosts"),
    ("no-wait", 'for h in a b; do work "$h" & done\nwait'),
    ("fixed-temporary", 'f=$(mktemp)\nps aux > "$f"'),
    ("leftover", "f=$(mktemp)\ntrap 'rm -f \"$f\"' EXIT"),
    ("lock-race", "if [ -f /etc/app.conf ]; then touch /run/seen; fi"),
    ("argument-unchecked", 'f() { ls "$1"; }\nf /srv'),
    ("argument-unchecked", 'set -u\nls "$1"'),
    ("target-unchecked", "DEST=/srv/in\nmv /backup/*.sql $DEST"),
    ("sql-values", 'psql -c "SELECT * FROM $table"'),
    (
        "configuration-unchecked",
        "sed -i.b 's/a/b/' /etc/nginx/nginx.conf\nnginx -t && systemctl reload nginx",
    ),
    ("configuration-unchecked", "systemctl restart nginx"),
    ("no-namespace", "kubectl -n shop rollout restart deploy/web"),
    ("no-namespace", "kubectl get pods; kubectl cordon node1; kubectl label node n1 a=b"),
    ("moved-log", 'mv /srv/app.log /srv/app.log.1\nkill -HUP "$(cat /run/app.pid)"'),
    ("kill-9", 'kill "$pid"; sleep 5; kill -9 "$pid"'),
    ("asks", "apt-get install -y nginx"),
    ("uniq-unsorted", "cut -d' ' -f1 access.log | sort | uniq -c"),
    ("sort-human", "du -sh /srv/* | sort -h"),
    ("percent", "df -h | awk '$5 + 0 > 90 {print $6}'"),
    ("awk-quotes", "ps aux | awk '{print $2}'"),
    ("awk-quotes", 'awk "/$name/ {print}" x'),
    ("interactive", "su - postgres -c 'psql -l'"),
    ("interactive", "top -b -n 1 > out"),
    ("never-ends", "timeout 10 tail -f /var/log/syslog"),
    ("never-ends", "tail -f /var/log/syslog > out &\nping -c1 db"),
    ("decimal", 'n=$(nproc)\nif [ "$n" -gt 4 ]; then echo many; fi'),
]

CORRECT = {
    "cleanup by age": """#!/usr/bin/env bash
set -euo pipefail
log_dir=/var/log/app
find "$log_dir" -type f -name '*.log.gz' -mtime +14 -print -delete
""",
    "cleanup with a guard": """#!/usr/bin/env bash
set -euo pipefail
cache=${1:?usage: clean CACHE_DIR}
rm -rf -- "${cache:?}"/tmp
""",
    "temporary folder": """#!/usr/bin/env bash
set -euo pipefail
tmp=$(mktemp -d)
trap 'rm -rf -- "$tmp"' EXIT
curl -fsS --max-time 30 -o "$tmp/report.json" https://status.example.com/report.json
jq -r '.services[].name' "$tmp/report.json"
""",
    "dump": """#!/usr/bin/env bash
set -euo pipefail
out=/backup/app-$(date +%F).sql.gz
pg_dump --host=db1 app | gzip > "$out.part"
mv -- "$out.part" "$out"
find /backup -name 'app-*.sql.gz' -mtime +30 -delete
""",
    "restart with a look": """#!/usr/bin/env bash
set -euo pipefail
service=${1:?usage: $0 SERVICE}
systemctl restart "$service"
for _ in {1..30}; do
  if systemctl is-active --quiet "$service"; then
    echo "$service is active"
    exit 0
  fi
  sleep 1
done
echo "$service did not come back" >&2
exit 1
""",
    "wait with a limit": """#!/usr/bin/env bash
set -euo pipefail
deadline=$((SECONDS + 60))
until nc -z -w 2 db1 5432; do
  if ((SECONDS >= deadline)); then
    echo "db1 does not answer" >&2
    exit 1
  fi
  sleep 2
done
""",
    "disk use": """#!/usr/bin/env bash
set -euo pipefail
use=$(df --output=pcent / | tail -n 1 | tr -dc '0-9')
if ((use > 90)); then
  echo "root is at ${use}%"
  du -xh --max-depth=2 / 2>/dev/null | sort -rh | head -n 20
fi
""",
    "rolling restart": """#!/usr/bin/env bash
set -euo pipefail
hosts=(web1 web2 web3)
for host in "${hosts[@]}"; do
  ssh -n -o BatchMode=yes -o ConnectTimeout=5 "$host" sudo systemctl restart app
  sleep 10
  curl -fsS --max-time 5 -o /dev/null "http://$host:8080/health" || exit 1
done
""",
    "lines of a file": """#!/usr/bin/env bash
set -euo pipefail
up=0
while IFS= read -r host; do
  if ping -c1 -W1 "$host" >/dev/null 2>&1; then
    up=$((up + 1))
  fi
done < hosts.txt
echo "$up up"
""",
    "configuration": """#!/usr/bin/env bash
set -euo pipefail
conf=/etc/nginx/nginx.conf
cp -a "$conf" "$conf.bak.$(date +%s)"
sed -i 's/worker_connections .*/worker_connections 4096;/' "$conf"
nginx -t
systemctl reload nginx
""",
    "one at a time": """#!/usr/bin/env bash
set -euo pipefail
exec 9>/run/lock/sync.lock
flock -n 9 || exit 1
rsync -a --partial /srv/data/ backup1:/srv/data/
""",
    "rollout": """#!/usr/bin/env bash
set -euo pipefail
kubectl --context prod -n shop rollout restart deployment/web
kubectl --context prod -n shop rollout status deployment/web --timeout=180s
""",
    "one pod": """#!/usr/bin/env bash
set -euo pipefail
namespace=${1:?usage: $0 NAMESPACE POD}
pod=${2:?usage: $0 NAMESPACE POD}
kubectl -n "$namespace" describe pod "$pod"
kubectl -n "$namespace" logs "$pod" --previous --tail=200
kubectl -n "$namespace" delete pod "$pod"
""",
    "counted errors": """#!/usr/bin/env bash
set -euo pipefail
count=$(grep -c 'ERROR' /var/log/app/app.log || true)
printf 'errors: %s\\n' "$count"
""",
    "query": """#!/usr/bin/env bash
set -euo pipefail
psql --host=db1 --dbname=app --no-align --tuples-only <<'SQL'
SELECT pid, state, now() - query_start AS age, left(query, 80)
FROM pg_stat_activity
WHERE state <> 'idle'
ORDER BY age DESC
LIMIT 10;
SQL
""",
    "bounded delete": """#!/usr/bin/env bash
set -euo pipefail
psql --host=db1 app -c "BEGIN; DELETE FROM sessions WHERE ends < now() - interval '7 days'; COMMIT;"
""",
    "gentle kill": """#!/usr/bin/env bash
set -euo pipefail
pid=$(cat /run/app/app.pid)
kill "$pid"
for _ in 1 2 3 4 5; do
  kill -0 "$pid" 2>/dev/null || exit 0
  sleep 1
done
kill -9 "$pid"
""",
    "certificate": """#!/usr/bin/env bash
set -euo pipefail
host=${1:?usage: $0 HOST}
end=$(echo | openssl s_client -servername "$host" -connect "$host:443" 2>/dev/null |
  openssl x509 -noout -enddate | cut -d= -f2)
echo "$host: $end"
""",
    "sh": """#!/bin/sh
set -eu
for file in /var/log/app/*.gz; do
  [ -e "$file" ] || continue
  zgrep -c ERROR "$file" || true
done
""",
    "arguments": """#!/usr/bin/env bash
set -euo pipefail
usage() { echo "usage: $0 -s SERVICE [-n LINES]" >&2; exit 2; }
lines=100
service=
while getopts 's:n:' opt; do
  case $opt in
    s) service=$OPTARG ;;
    n) lines=$OPTARG ;;
    *) usage ;;
  esac
done
[[ -n $service ]] || usage
journalctl --unit "$service" --lines "$lines" --no-pager
""",
    "largest files": """#!/usr/bin/env bash
set -euo pipefail
find /var -xdev -type f -size +100M -printf '%s\\t%p\\n' | sort -rn | head -n 20
""",
    "archive": """#!/usr/bin/env bash
set -euo pipefail
src=/srv/app
dest=/backup/app-$(date +%Y%m%d).tar.gz
tar -czf "$dest" -C "$(dirname "$src")" "$(basename "$src")"
tar -tzf "$dest" > /dev/null
echo "wrote $dest"
""",
    "secret by file": """#!/usr/bin/env bash
set -euo pipefail
mysqldump --defaults-extra-file=/root/.my.cnf --single-transaction app | gzip > /backup/app.sql.gz
""",
    "bearer by file": """#!/usr/bin/env bash
set -euo pipefail
curl -fsS --max-time 10 --config /etc/app/curl.conf https://api.example.com/v1/status
""",
    "docker": """#!/usr/bin/env bash
set -euo pipefail
docker ps --all --filter status=exited --format '{{.Names}}\\t{{.Status}}'
docker restart --time 20 app_web_1
docker inspect --format '{{.State.Status}}' app_web_1
""",
    "git": """#!/usr/bin/env bash
set -euo pipefail
git fetch --prune origin
git switch main
git pull --ff-only
git push origin HEAD:main
""",
    "memory": """#!/usr/bin/env bash
ps -eo pid,rss,comm --sort=-rss | head -n 10
free -m
""",
    "connections": """#!/usr/bin/env bash
set -euo pipefail
ss -Htan state established | awk '{print $4}' | sort | uniq -c | sort -rn | head
""",
    "firewall rule": """#!/usr/bin/env bash
set -euo pipefail
ip=${1:?usage: $0 IP}
if ! iptables -C INPUT -s "$ip" -j DROP 2>/dev/null; then
  iptables -I INPUT -s "$ip" -j DROP
fi
""",
    "drop-in": """#!/usr/bin/env bash
set -euo pipefail
install -d /etc/systemd/system/app.service.d
cat > /etc/systemd/system/app.service.d/limits.conf <<'EOF'
[Service]
LimitNOFILE=65536
EOF
systemctl daemon-reload
systemctl restart app
""",
    "functions": """#!/usr/bin/env bash
set -euo pipefail
log() { printf '%s %s\\n' "$(date -Is)" "$*" >&2; }
check() {
  local url=$1
  if curl -fsS --max-time 5 -o /dev/null "$url"; then
    log "ok $url"
  else
    log "failed $url"
    return 1
  fi
}
failed=0
for url in https://a.example.com/health https://b.example.com/health; do
  check "$url" || failed=$((failed + 1))
done
exit "$failed"
""",
    "usage": """#!/usr/bin/env bash
set -euo pipefail
# restart <service>
if [[ $# -ne 1 ]]; then
  echo "usage: $0 <service> where <service> is one of ours" >&2
  cat <<'EOF'
  restart <service>
EOF
  exit 2
fi
systemctl restart "$1"
""",
    "parallel": """#!/usr/bin/env bash
set -euo pipefail
for host in web1 web2 web3; do
  ssh -n -o BatchMode=yes -o ConnectTimeout=5 "$host" uptime &
done
wait
""",
    "old releases": """#!/usr/bin/env bash
set -euo pipefail
shopt -s nullglob
releases=(/srv/app/releases/*/)
keep=5
for ((i = 0; i < ${#releases[@]} - keep; i++)); do
  rm -rf -- "${releases[i]}"
done
""",
}


@pytest.mark.parametrize(("expected", "script"), DEFECTS)
def test_defects_are_pointed_out(
    check: Check, points_out: Callable[[CodeReport, str], bool], expected: str, script: str
) -> None:
    code = script if script.startswith("#!") else f"#!/bin/bash\n{script}\n"
    report = check("bash", code)
    assert points_out(report, expected), report


@pytest.mark.parametrize("script", CORRECT.values(), ids=CORRECT)
def test_right_scripts_raise_no_alarm(check: Check, script: str) -> None:
    report = check("bash", script)
    assert not report.dangers
    assert not [problem for problem in report.problems if problem.severity != "info"]
    assert report.not_checked == ()


@pytest.mark.parametrize(("unsaid", "script"), NEAR_MISSES)
def test_what_is_near_to_a_defect_is_not_taken_for_one(
    check: Check, points_out: Callable[[CodeReport, str], bool], unsaid: str, script: str
) -> None:
    report = check("bash", f"#!/bin/bash\n{script}\n")
    assert not points_out(report, unsaid), report
