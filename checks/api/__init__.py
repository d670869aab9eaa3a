"""`postrider serve --api` is held against its own OpenAPI document by schemathesis: what it answers is what it says that it answers."""

import contextlib
import json
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from checks.harness.options import Options
from checks.harness.postgres import postgres
from checks.harness.processes import Failure, ask, free_port, program, wait_until
from checks.harness.product import Postrider, built_executable
from checks.harness.tally import Tally

# The same requests each time.
SEED = "55"
EXAMPLES = "12"
# Fewer than a token may send: what is refused for its number shows nothing.
RATE = "45/s"
# Each is a sentence about the document, and not about what is in the database: positive_data_acceptance would have every name exist,
# and use_after_free takes a name that is registered again for one that was deleted.
CHECKS = [
    "not_a_server_error", "status_code_conformance", "content_type_conformance", "response_headers_conformance",
    "response_schema_conformance", "negative_data_rejection", "missing_required_header", "unsupported_method",
    "allow_header_conformance", "ignored_auth"]
LIMIT_S = 120


def check(tally: Tally, _: Options) -> None:
    with postgres() as server:
        postrider = Postrider(built_executable(), server)
        postrider.run("migrate")
        token = json.loads(postrider.run("token", "add", "acme", "--tenant", "acme", "--json"))["token"]
        postrider.run("event-type", "add", "order.paid")
        postrider.run("endpoint", "add", "shop", "https://example.com/hooks", "--tenant", "acme")
        with server.session() as session:
            session.rows("CREATE ROLE api LOGIN IN ROLE postrider_api")
        postrider.environment["POSTRIDER_DATABASE_URL"] = server.url.replace("postgres@", "api@")
        with _serve(postrider) as address:
            began = time.monotonic()
            problem, cases = _run(f"http://{address}", token)
            print(f"schemathesis: {cases} cases in {time.monotonic() - began:.0f} s", file=sys.stderr)
            tally.check("the API answers as its OpenAPI document says", problem)
            tally.check("schemathesis tried each operation", None if cases >= 300 else f"only {cases} cases")


def _run(url: str, token: str) -> tuple[str | None, int]:
    """What schemathesis found, and how many requests it tried."""
    with tempfile.TemporaryDirectory(prefix="postrider-api-") as folder:
        words = [
            sys.executable, "-m", "schemathesis.cli", "run", f"{url}/v1/openapi.json", "--header", f"Authorization: Bearer {token}",
            "--checks", ",".join(CHECKS), "--phases", "examples,coverage,fuzzing", "--seed", SEED, "--max-examples", EXAMPLES,
            "--generation-deterministic", "--rate-limit", RATE, "--continue-on-failure", "--no-shrink"]
        done = subprocess.run(words, cwd=folder, capture_output=True, text=True, timeout=LIMIT_S)
    text = done.stdout + done.stderr
    found = re.search(r"(\d+) generated", text)
    cases = int(found[1]) if found else 0
    return (None if done.returncode == 0 else text[-4000:].replace(token, "prt_…")), cases


@contextlib.contextmanager
def _serve(postrider: Postrider) -> Iterator[str]:
    address = f"127.0.0.1:{free_port()}"
    with tempfile.TemporaryDirectory(prefix="postrider-serve-") as folder:
        path = Path(folder) / "log"
        with open(path, "w") as log, program(
                [postrider.executable, "serve", "--api", address], env=postrider.environment, cwd=folder, stdout=log,
                stderr=log) as process:
            def is_ready() -> bool:
                if process.poll() is not None:
                    raise Failure(f"serve ended: {path.read_text()[-500:]}")
                return ask(f"http://{postrider.environment['POSTRIDER_HEALTH_LISTEN']}/readyz") is not None

            wait_until("the API is ready", is_ready, 30)
            yield address
