"""A Prometheus with the rules of deploy/, whose times are shortened so that a test need not wait for hours."""

import contextlib
import json
import pathlib
import re
import shutil
import tempfile
import urllib.parse
from collections.abc import Iterator

from checks import ROOT
from checks.harness.processes import Failure, ask, free_port, program, wait_until

_RULES = ROOT / "deploy/prometheus/postrider-alerts.yaml"
# Spans over which something is counted.
_SPAN = "60s"
# Thresholds, each where it stands in the rules. Slow endpoints may hold a quarter of what a worker may have in flight.
_SHORTER = {"> 0.9\n": "> 0.2\n", "> 3600": "> 62", "> 86400": "> 5", "> 600": "> 20", "_lag_seconds) > 60": "_lag_seconds) > 5", "> 30\n": "> 4\n"}


def rules() -> str:
    text = _RULES.read_text()
    for long, short in _SHORTER.items():
        if long not in text:
            raise Failure(f"no rule has {long!r} any more: repair the times of checks/alerts")
        text = text.replace(long, short)
    return re.sub(r"\[\d+[mh]\]", f"[{_SPAN}]", re.sub(r"for: \d+[mh]", "for: 2s", text))


def names() -> list[str]:
    return re.findall(r"- alert: (\w+)", _RULES.read_text())


class Prometheus:
    def __init__(self, address: str) -> None:
        self._address = address

    def firing(self) -> set[str]:
        return {alert["labels"]["alertname"] for alert in self._data("alerts")["alerts"] if alert["state"] == "firing"}

    def value(self, query: str) -> str:
        """The first value of an expression, for a message."""
        found = self._data("query?" + urllib.parse.urlencode({"query": query}))["result"]
        return found[0]["value"][1] if found else "nothing"

    def _data(self, path: str) -> dict:  # type: ignore[type-arg]
        return json.loads(ask(f"http://{self._address}/api/v1/{path}") or '{"data": {"alerts": [], "result": []}}')["data"]  # type: ignore[no-any-return]


@contextlib.contextmanager
def prometheus(targets: list[str]) -> Iterator[Prometheus]:
    executable = shutil.which("prometheus")
    if not executable:
        raise Failure("no prometheus is installed here; on Debian: apt-get install prometheus")
    with tempfile.TemporaryDirectory(prefix="postrider-prometheus-") as folder:
        root, address = pathlib.Path(folder), f"127.0.0.1:{free_port()}"
        (root / "rules.yaml").write_text(rules())
        (root / "prometheus.yaml").write_text(json.dumps({
            "global": {"scrape_interval": "1s", "evaluation_interval": "1s"}, "rule_files": ["rules.yaml"],
            "scrape_configs": [{"job_name": "postrider", "static_configs": [{"targets": targets}]}]}))
        with open(root / "log", "w") as log, program(
                [executable, f"--config.file={root / 'prometheus.yaml'}", f"--storage.tsdb.path={root / 'data'}",
                 f"--web.listen-address={address}"], stdout=log, stderr=log, cwd=root):
            wait_until("Prometheus starts", lambda: ask(f"http://{address}/-/ready"), 30)
            yield Prometheus(address)
