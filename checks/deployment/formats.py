"""The files of deploy/ against the formats that they are written in."""

import pathlib
import subprocess
import sys
import tempfile

from checks import ROOT
from checks.harness.tally import Tally

_DEPLOY = ROOT / "deploy"
_PYTHON = pathlib.Path(sys.executable).parent
_UNIT = _DEPLOY / "systemd/postrider.service"


def check(tally: Tally) -> None:
    commands: dict[str, list[str | pathlib.Path]] = {
        "Dockerfile: hadolint": [_PYTHON / "hadolint", _DEPLOY / "Dockerfile"],
        "compose.yaml: schema": [
            _PYTHON / "check-jsonschema", "--builtin-schema", "vendor.compose-spec", _DEPLOY / "compose.yaml"],
        "systemd unit: exposure below 3.0": [
            "systemd-analyze", "security", "--offline=true", "--threshold=30", "--no-pager", _UNIT],
        "alerts: promtool check rules": ["promtool", "check", "rules", _DEPLOY / "prometheus/postrider-alerts.yaml"],
        "alerts: promtool test rules": ["promtool", "test", "rules", _DEPLOY / "prometheus/postrider-alerts_test.yaml"],
    }
    for title, command in commands.items():
        done = subprocess.run(command, capture_output=True, text=True)
        said = done.stdout + done.stderr
        tally.check(title, None if done.returncode == 0 else said or f"it exits with {done.returncode}")
    tally.check("systemd unit: verify", _verify_unit())


def _verify_unit() -> str:
    """What systemd says of the unit, which must be nothing. It wants to see the executable of a unit that it verifies."""
    with tempfile.TemporaryDirectory() as directory:
        unit = pathlib.Path(directory, _UNIT.name)
        unit.write_text(_UNIT.read_text().replace("/usr/local/bin/postrider", "/bin/true"))
        done = subprocess.run(["systemd-analyze", "verify", "--man=no", unit], capture_output=True, text=True)
        return done.stdout + done.stderr
