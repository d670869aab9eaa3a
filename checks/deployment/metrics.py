"""Whether every metric that the dashboard or an alert names is one that a running worker serves, and well formed."""

import pathlib
import re
import subprocess

from checks import ROOT
from checks.harness.postgres import postgres
from checks.harness.processes import Failure, ask
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
        with postrider.worker() as worker:
            return ask(f"http://{worker.address}/metrics") or ""


def _named(path: pathlib.Path) -> set[str]:
    found = set(NAME.findall(path.read_text()))
    if not found:
        raise Failure(f"{path.name} names no metric at all")
    return found
