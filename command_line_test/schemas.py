"""The JSON of every command against its schema in docs/schemas, and the examples of docs/command-line-json.md too."""

import json
import os
import re
import subprocess

import jsonschema

from bench.processes import free_port, program, wait_until

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"


def schemas(root):
    return {path.name.removesuffix(".schema.json"): json.loads(path.read_text())
            for path in sorted((root / "docs/schemas").glob("*.schema.json"))}


def problem(schema, text):
    """What is wrong with a line of JSON; nothing when it fits."""
    try:
        value = json.loads(text)
    except ValueError as error:
        return f"no JSON: {error}: {text[:200]!r}"
    checker = jsonschema.Draft202012Validator(schema, format_checker=jsonschema.FormatChecker())
    return "; ".join(f"{error.json_path}: {error.message[:200]}" for error in checker.iter_errors(value))


def examples(root, tally):
    """The documented example of each command fits its schema."""
    known = schemas(root)
    page = (root / "docs/command-line-json.md").read_text()
    for section in page.split("\n## `postrider ")[1:]:
        name = section.split("`")[0].replace(" ", "-")
        example = re.search(r"```json\n(.*?)\n```", section, re.DOTALL)
        if example:
            tally.check(f"example of {name}", problem(known[name], example[1]) if name in known else "there is no schema")


def commands(root, executable, server, tally):
    """Runs every command for real, in an order that gives each something to show."""
    known, met = schemas(root), set()
    port, environment = free_port(), {
        "POSTRIDER_DATABASE_URL": server.url, "POSTRIDER_ALLOW_HTTP": "true", "POSTRIDER_ALLOWED_NETWORKS": "127.0.0.0/8",
        "POSTRIDER_HEALTH_LISTEN": f"127.0.0.1:{free_port()}", "PATH": os.environ["PATH"],
    }

    def run(*words):
        name = "-".join(word for word in words[:2] if re.fullmatch("[a-z-]+", word) and not word.startswith("-"))
        name = name if name in known else words[0]
        done = subprocess.run([executable, *words, "--json"], env=environment, capture_output=True, text=True, timeout=60)
        met.add(name)
        tally.check("postrider " + " ".join(words), problem(known[name], done.stdout) and
                    f"{problem(known[name], done.stdout)} {done.stderr[-300:]}")
        return json.loads(done.stdout or "{}")

    def settled(count):
        with server.session() as session:
            wait_until("deliveries end", lambda: session.value(
                "SELECT count(*) FROM postrider.event_deliveries WHERE status IN ('delivered', 'dead')") == str(count), 30)

    run("migrate")
    receiver = [executable, "receive", "--listen", f"127.0.0.1:{port}", "--secret", SECRET, "--json"]
    log = root / ".build/command-line-test.log"
    with open(log, "w") as heard, program(receiver, env=environment, stdout=heard, stderr=subprocess.DEVNULL):
        run("endpoint", "add", "good", f"http://127.0.0.1:{port}/", "--event-type", "order.*", "--secret", SECRET)
        run("endpoint", "add", "bad", f"http://127.0.0.1:{port}/", "--retry-schedule", "100ms", "--header", "X-Key: 1",
            "--max-in-flight", "5", "--rate-limit", "50")
        first = run("event", "publish", "order.paid", '{"n": 1.10}', "--ordering-key", "k", "--header", "X-A: b")
        run("event", "publish", "other", "text", "--content-type", "text/plain", "--expires-at", "1h")
        run("endpoint", "test", "good")
        run("endpoint", "test", "bad")
        with program([executable, "worker"], env=environment, stderr=subprocess.DEVNULL):
            settled(3)
            run("status")
            run("doctor")
            run("event", "show", str(first["event_id"]))
            run("event", "list")
            letters = run("dead-letter", "list")["dead_letters"]
            run("dead-letter", "show", str(letters[0]["id"]))
        run("event", "publish", "order.paid")
        run("event", "list", "--status", "pending")
        run("endpoint", "list")
        run("event", "cancel", "3")
        run("endpoint", "pause", "bad")
        run("dead-letter", "discard", str(letters[0]["id"]))
        run("dead-letter", "replay", "--all")
        run("event", "show", "2")
        run("endpoint", "resume", "bad")
        run("endpoint", "show", "bad")
        run("endpoint", "update", "bad", "--timeout", "2s")
        run("endpoint", "rotate-secret", "bad")
        run("endpoint", "remove", "bad", "--yes")
    for line in sorted(set(log.read_text().splitlines()), key=len)[:3]:
        tally.check("a line of postrider receive", problem(known["receive"], line))
    run("demo")
    tally.check("every schema was met", ", ".join(sorted(set(known) - met - {"receive"})))
