"""Whether every metric that the dashboard or an alert names is one that a running worker serves, and well formed."""

import os
import pathlib
import re
import subprocess
import urllib.request

from bench.postgres import postgres
from bench.processes import Failure, free_port, program, wait_until

ROOT = pathlib.Path(__file__).resolve().parent.parent
NAME = re.compile(r"\bpostrider_[a-z_]+[a-z]\b")
ALERTS, DASHBOARD = ROOT / "deploy/prometheus/postrider-alerts.yaml", ROOT / "deploy/grafana/postrider.json"


def scrape():
    executable = os.environ.get("POSTRIDER_BIN") or str(ROOT / ".build/release/postrider")
    port = free_port()
    with postgres() as server:
        environment = {"POSTRIDER_DATABASE_URL": server.url, "POSTRIDER_HEALTH_LISTEN": f"127.0.0.1:{port}"}
        subprocess.run([executable, "migrate"], env=environment, check=True, stdout=subprocess.DEVNULL)
        with program([executable, "worker"], env=environment, stderr=subprocess.DEVNULL):
            return wait_until("the worker serves its metrics", lambda: get(f"http://127.0.0.1:{port}/metrics"), 30)


def get(url):
    try:
        return urllib.request.urlopen(url, timeout=5).read().decode()
    except OSError:
        return None


def named(path):
    found = set(NAME.findall(path.read_text()))
    if not found:
        raise Failure(f"{path.name} names no metric at all")
    return found


def main():
    text = scrape()
    served = {line.split("{")[0].split(" ")[0] for line in text.splitlines() if line and not line.startswith("#")}
    for path in (ALERTS, DASHBOARD):
        if missing := sorted(named(path) - served):
            raise SystemExit(f"{path.relative_to(ROOT)} names what no worker serves: {', '.join(missing)}")
    documented = (ROOT / "docs/metrics.md").read_text()
    bare = {re.sub(r"_(bucket|sum|count)$", "", name) for name in served}
    if missing := sorted(name for name in bare if f"`{name}`" not in documented):
        raise SystemExit(f"docs/metrics.md does not tell of: {', '.join(missing)}")
    pages = re.findall(r"runbook: (\S+)", ALERTS.read_text())
    if missing := [page for page in pages if not (ROOT / page).exists()]:
        raise SystemExit(f"there is no page: {', '.join(missing)}")
    linted = subprocess.run(["promtool", "check", "metrics"], input=text, capture_output=True, text=True)
    if linted.returncode != 0 or linted.stderr.strip():
        raise SystemExit(f"promtool check metrics: {linted.stdout}{linted.stderr}")
    print(f"{len(served)} series, {len(pages)} alerts")


main()
