"""Whether every metric that the dashboard or an alert names is one that a running worker serves, and well formed."""

import pathlib
import re
import subprocess

from checks import ROOT
from checks.harness.postgres import postgres
from checks.harness.processes import Failure, ask, free_port, wait_until
from checks.harness.product import Postrider, built_executable
from checks.harness.tally import Tally

NAME = re.compile(r"\bpostrider_[a-z_]+[a-z]\b")
ALERTS, DASHBOARD = ROOT / "deploy/prometheus/postrider-alerts.yaml", ROOT / "deploy/grafana/postrider.json"


def check(tally: Tally) -> None:
    text = _scrape()
    served = {line.split("{")[0].split(" ")[0] for line in text.splitlines() if line and not line.startswith("#")}
    for path in (ALERTS, DASHBOARD):
        tally.check(f"metrics: a worker serves what {path.name} names", ", ".join(sorted(_named(path) - served)))
    documented = (ROOT / "docs/metrics.md").read_text()
    bare = {re.sub(r"_(bucket|sum|count)$", "", name) for name in served}
    tally.check("metrics: docs/metrics.md tells of all", ", ".join(sorted(name for name in bare if f"`{name}`" not in documented)))
    pages = re.findall(r"runbook: (\S+)", ALERTS.read_text())
    missing = [page for page in pages if not (ROOT / page).exists()]
    tally.check("alerts: each has a page", ", ".join(missing) if pages else "no alert names a page")
    linted = subprocess.run(["promtool", "check", "metrics"], input=text, capture_output=True, text=True)
    said = linted.stdout + linted.stderr
    tally.check("metrics: promtool check metrics", said if linted.returncode != 0 or linted.stderr.strip() else None)


def _scrape() -> str:
    with postgres() as server:
        postrider = Postrider(built_executable(), server)
        postrider.run("migrate")
        # Some series are there only while an endpoint fails.
        postrider.run("endpoint", "add", "failing", f"http://127.0.0.1:{free_port()}/", "--retry-schedule", "1h")
        postrider.run("event", "publish", "some.event", "{}")
        with postrider.worker() as worker, server.session() as session:
            wait_until("it has failed", lambda: session.value("SELECT count(*) FROM postrider.attempts"), 30)
            session.rows("UPDATE postrider.endpoint_marks SET failing_since = now() - interval '1 hour'")
            return wait_until("it is counted", lambda: _scraped(worker.address, "postrider_worst_endpoints_failing_seconds{"), 60)


def _scraped(address: str, expected: str) -> str:
    text = ask(f"http://{address}/metrics") or ""
    return text if expected in text else ""


def _named(path: pathlib.Path) -> set[str]:
    found = set(NAME.findall(path.read_text()))
    if not found:
        raise Failure(f"{path.name} names no metric at all")
    return found
