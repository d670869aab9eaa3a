"""The JSON of every command against its schema in docs/schemas, and the examples of docs/command-line-json.md too."""

import json
import pathlib
import re
import select
import subprocess
import tempfile
from collections.abc import Callable
from typing import Any

import jsonschema

from checks import ROOT
from checks.harness.postgres import Postgres
from checks.harness.processes import free_port, program, wait_until
from checks.harness.product import Postrider
from checks.harness.tally import Tally

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"


def schemas() -> dict[str, Any]:
    return {path.name.removesuffix(".schema.json"): json.loads(path.read_text())
            for path in sorted((ROOT / "docs/schemas").glob("*.schema.json"))}


def problem(schema: Any, text: str) -> str:
    """What is wrong with a line of JSON; an empty text when it fits."""
    try:
        value = json.loads(text)
    except ValueError as error:
        return f"no JSON: {error}: {text[:200]!r}"
    checker = jsonschema.Draft202012Validator(schema, format_checker=jsonschema.FormatChecker())
    return "; ".join(f"{error.json_path}: {error.message[:200]}" for error in checker.iter_errors(value))


def examples(tally: Tally) -> None:
    """The documented example of each command fits its schema."""
    known = schemas()
    page = (ROOT / "docs/command-line-json.md").read_text()
    for section in page.split("\n## `postrider ")[1:]:
        name = section.split("`")[0].replace(" ", "-")
        example = re.search(r"```json\n(.*?)\n```", section, re.DOTALL)
        if example:
            tally.check(f"example of {name}", problem(known[name], example[1]) if name in known else "there is no schema")


def tail(postrider: Postrider, run: Callable[..., Any]) -> str:
    """The first line that `event tail` prints of an event that is published while it looks."""
    words = [postrider.executable, "event", "tail", "--json"]
    with subprocess.Popen(words, env=postrider.environment, stdout=subprocess.PIPE, text=True) as following:
        try:
            while not select.select([following.stdout], [], [], 1)[0]:
                run("event", "publish", "other")
            return following.stdout.readline() if following.stdout else ""
        finally:
            following.terminate()


def receiving(run: Callable[..., Any], server: Postgres) -> None:
    """The commands about sources and the inbox."""
    run("source", "add", "shop", "--scheme", "standard", "--allow-network", "192.0.2.0/24")
    run("source", "add", "git", "--scheme", "github", "--publish-as", "git", "--correlation-from", "header:X-Key")
    with server.session() as session:
        for number, (source, body) in enumerate([(1, b"{}"), (1, b"\xff"), (2, b"{}")]):
            session.value(
                "SELECT count(*) FROM postrider.receive(%s, %s, '{t}', '{c}', '{NULL}', '{\"{}\"}', %s, '{192.0.2.1}')",
                [source], [f"{source} {number}"], [body])
        session.value("SELECT postrider.fail_inbox(1, 'boom')")
    run("source", "list")
    run("source", "show", "shop")
    run("source", "update", "shop", "--rate-limit", "5")
    run("source", "rotate-secret", "shop")
    run("source", "test", "shop", "--url", f"http://127.0.0.1:{free_port()}/in/shop")
    run("status")
    for row in run("inbox", "list")["rows"]:
        run("inbox", "show", str(row["id"]))
    run("inbox", "replay", "1")
    run("inbox", "replay", "--source", "shop", "--dry-run")
    run("inbox", "discard", "1")
    with server.session() as session:
        session.value(
            "SELECT postrider.expect('c', '1 h', 'shop', 'poll', 'https://shop.example/', done_when => '$.paid')")
        session.value("SELECT postrider.expect('late', '100 ms', 'shop')")
        session.value("SELECT postrider.end_due(10) FROM pg_sleep(0.2)")
    for row in run("expectation", "list")["expectations"]:
        run("expectation", "show", str(row["id"]))
    run("expectation", "withdraw", "2")
    run("source", "remove", "shop", "--yes")
    run("token", "add", "acme", "--tenant", "acme", "--expires", "90d")
    run("token", "add", "reader", "--tenant", "acme", "--read-only")
    run("token", "revoke", "acme")
    run("token", "list")


def commands(postrider: Postrider, server: Postgres, tally: Tally) -> None:
    """Runs every command for real, in an order that gives each something to show."""
    known, met, port = schemas(), set[str](), free_port()

    def run(*words: str) -> Any:
        name = "-".join(word for word in words[:2] if re.fullmatch("[a-z-]+", word) and not word.startswith("-"))
        name = name if name in known else words[0]
        done = subprocess.run(
            [postrider.executable, *words, "--json"], env=postrider.environment, capture_output=True, text=True, timeout=60)
        met.add(name)
        found = problem(known[name], done.stdout)
        tally.check("postrider " + " ".join(words), found and f"{found} {done.stderr[-300:]}")
        return json.loads(done.stdout or "{}")

    def settled(count: int) -> None:
        with server.session() as session:
            wait_until("deliveries end", lambda: session.value(
                "SELECT count(*) FROM postrider.event_deliveries WHERE status IN ('delivered', 'dead')") == count, 30)

    run("migrate")
    receiver: list[str | pathlib.Path] = [
        postrider.executable, "receive", "--listen", f"127.0.0.1:{port}", "--secret", SECRET, "--json"]
    with tempfile.TemporaryDirectory() as directory, open(log := pathlib.Path(directory, "log"), "w") as heard, program(
            receiver, env=postrider.environment, stdout=heard, stderr=subprocess.DEVNULL):
        run("endpoint", "add", "good", f"http://127.0.0.1:{port}/", "--event-type", "order.*", "--secret", SECRET)
        run("endpoint", "add", "bad", f"http://127.0.0.1:{port}/", "--retry-schedule", "100ms", "--header", "X-Key: 1",
            "--max-in-flight", "5", "--rate-limit", "50")
        first = run("event", "publish", "order.paid", '{"n": 1.10}', "--ordering-key", "k", "--header", "X-A: b")
        run("event", "publish", "other", "text", "--content-type", "text/plain", "--expires-at", "1h")
        run("endpoint", "test", "good")
        run("endpoint", "test", "bad")
        with postrider.worker(is_ready=False):
            settled(3)
            run("status")
            run("doctor")
            run("event", "show", str(first["event_id"]))
            run("event", "list")
            letters = run("dead-letter", "list")["dead_letters"]
            run("dead-letter", "show", str(letters[0]["id"]))
        third = run("event", "publish", "order.paid")
        run("event", "list", "--status", "pending")
        run("endpoint", "list")
        run("event", "retry", "1")
        run("event", "retry", "--all", "--dry-run")
        run("event", "cancel", str(third["event_id"]))
        run("event", "cancel", "--all", "--dry-run")
        run("endpoint", "pause", "bad")
        run("dead-letter", "discard", str(letters[0]["id"]))
        run("dead-letter", "discard", "--all", "--dry-run")
        run("dead-letter", "replay", "--all")
        run("event", "show", "2")
        run("endpoint", "resume", "bad")
        run("endpoint", "show", "bad")
        run("endpoint", "update", "bad", "--timeout", "2s")
        file = pathlib.Path(directory, "endpoints.json")
        file.write_text(json.dumps(run("endpoint", "export")).replace('"2s"', '"3s"'))
        run("apply", "-f", str(file))
        run("endpoint", "rotate-secret", "bad")
        keys = pathlib.Path(directory, "keys")
        keys.write_text(f"k1:{'1' * 64}\n")
        keys.chmod(0o400)
        postrider.environment["POSTRIDER_SECRET_KEY_FILE"] = str(keys)
        run("secrets", "reseal")
        del postrider.environment["POSTRIDER_SECRET_KEY_FILE"]
        run("event", "replay", "1", "--dry-run")
        replay = run("event", "replay", "1", "--why", "asked for")
        run("replay", "list")
        run("replay", "cancel", str(replay["replay_id"]))
        run("replay", "list")
        schema = pathlib.Path(directory, "schema")
        schema.write_text('{"type": "object"}')
        run("event-type", "add", "order.paid", "--description", "Paid.", "--schema", str(schema))
        run("event-type", "list")
        run("event-type", "list", "--unknown")
        run("event-type", "show", "order.paid")
        run("event-type", "export")
        run("event-type", "export", "--format", "asyncapi")
        run("event-type", "remove", "order.paid")
        followed = tail(postrider, run)
        receiving(run, server)
        run("endpoint", "remove", "bad", "--yes")
        received = sorted(set(log.read_text().splitlines()), key=len)
    tally.check("a line of postrider event tail", problem(known["event-tail"], followed))
    for line in received[:3]:
        tally.check("a line of postrider receive", problem(known["receive"], line))
    run("demo")
    tally.check("every schema was met", ", ".join(sorted(set(known) - met - {"receive", "event-tail"})))
