"""What becomes of output that does not arrive, and of input that does not come, with real descriptors."""

import os
import pathlib
import resource
import signal
import subprocess
import tempfile
import time

from checks.harness.postgres import Postgres
from checks.harness.product import Postrider
from checks.harness.processes import free_port
from checks.harness.tally import Tally

# Each writes a result, and is not done while the result does not arrive.
_COMMANDS = {
    "a secret": ("endpoint", "rotate-secret", "shop", "--yes", "--json"), "the schema": ("migrate", "--print-sql"),
    "the status": ("status", "--json"), "an event": ("event", "publish", "a.b", "--json"), "a list": ("event", "list"),
    "a diagnosis": ("doctor",), "help": ("--help",), "a completion script": ("--generate-completion-script", "bash"),
}


def streams(product: Postrider, server: Postgres, tally: Tally) -> None:
    product.run("endpoint", "add", "shop", "http://127.0.0.1:9999/hook")
    for what, words in _COMMANDS.items():
        with open("/dev/full", "w") as full:
            status, errors = _run(product, words, stdout=full)
        tally.check(f"{what} on a full disk is a failure", _unlike((status, "No space left on device" in errors), (1, True), errors))
        status, errors = _run(product, ("--closed-output", *words))
        tally.check(f"{what} on a closed output is a failure", _unlike((status, "Bad file descriptor" in errors), (1, True), errors))
    _secrets(product, tally)
    _small_disk(product, tally)
    _slow_reader(product, tally)
    _gone_readers(product, tally)
    _inputs(product, server, tally)
    _arguments(product, tally)


def _unlike(seen: object, wanted: object, errors: str = "") -> str | None:
    return None if seen == wanted else f"{seen} instead of {wanted} {errors[-300:]}"


def _run(product: Postrider, words: tuple[str, ...], **options: object) -> tuple[int, str]:
    """The exit status and standard error. `--closed-output` as the first word closes standard output."""
    closed = words[0] == "--closed-output"
    done = subprocess.run(
        [product.executable, *words[closed:]], env=product.environment, stderr=subprocess.PIPE, text=True, timeout=60,
        preexec_fn=(lambda: os.close(1)) if closed else None, **options)  # type: ignore[call-overload]
    return done.returncode, done.stderr


def _secrets(product: Postrider, tally: Tally) -> None:
    with open("/dev/full", "w") as full:
        _, errors = _run(product, ("endpoint", "add", "unseen", "http://127.0.0.1:9999/hook"), stdout=full)
    tally.check("a secret that was not seen can be replaced",
                None if "postrider endpoint rotate-secret unseen" in errors and "whsec_" not in errors else errors)


def _small_disk(product: Postrider, tally: Tally) -> None:
    """A limit on the size of a file cuts the output in the middle, as a disk does that gets full."""
    def limit() -> None:
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (8192, 8192))

    with tempfile.TemporaryFile() as file:
        done = subprocess.run([product.executable, "migrate", "--print-sql"], env=product.environment, stdout=file,
                              stderr=subprocess.PIPE, text=True, timeout=60, preexec_fn=limit)
    tally.check("SQL that was cut is a failure",
                _unlike((done.returncode, "could not be written whole" in done.stderr), (1, True), done.stderr))


def _slow_reader(product: Postrider, tally: Tally) -> None:
    """A pipe that does not block its writer: what does not fit at once is written later."""
    whole = product.run("migrate", "--print-sql").encode()
    reading, writing = os.pipe()
    os.set_blocking(writing, False)
    with subprocess.Popen([product.executable, "migrate", "--print-sql"], env=product.environment, stdout=writing) as process:
        os.close(writing)
        time.sleep(0.2)
        with os.fdopen(reading, "rb") as pipe:
            read = pipe.read()
        status = process.wait(30)
    tally.check("a slow reader gets all", _unlike((status, len(read)), (0, len(whole))))


def _gone_readers(product: Postrider, tally: Tally) -> None:
    for form in ((), ("--json",)):
        process = subprocess.Popen(
            [product.executable, "status", "--watch", "--interval", "1s", *form], env=product.environment,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        assert process.stdout and process.stderr
        process.stdout.readline()
        process.stdout.close()
        tally.check(f"status --watch {' '.join(form)} ends with its reader", _ends(process, 0))
    # Nothing is written any more: it must hear of its reader all the same.
    process = subprocess.Popen([product.executable, "event", "tail", "--json"], env=product.environment,
                               stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    assert process.stdout
    process.stdout.close()
    tally.check("event tail ends with its reader", _ends(process, 0))
    port = free_port()
    process = subprocess.Popen([product.executable, "receive", "--json", "--listen", f"127.0.0.1:{port}"],
                               env=product.environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    assert process.stdout and process.stderr
    process.stderr.readline()
    process.stdout.close()
    subprocess.run(["curl", "-s", "-m", "5", "-d", "{}", f"http://127.0.0.1:{port}/"], capture_output=True)
    tally.check("receive ends with its reader", _ends(process, 1))


def _ends(process: "subprocess.Popen[bytes]", expected: int) -> str | None:
    """0 when its reader had all that was written, 1 when something was written after that."""
    assert process.stderr
    try:
        status = process.wait(10)
    except subprocess.TimeoutExpired:
        process.kill()
        return "it goes on"
    return _unlike((status, process.stderr.read()), (expected, b""))


def _inputs(product: Postrider, server: Postgres, tally: Tally) -> None:
    def events() -> int:
        with server.session() as session:
            return int(session.value("SELECT count(*) FROM postrider.outbox"))

    before = events()
    folder = os.open("/", os.O_RDONLY)
    status, errors = _run(product, ("event", "publish", "a.b", "-"), stdin=folder)
    os.close(folder)
    tally.check("input that cannot be read publishes nothing", _unlike((status, events()), (1, before), errors))
    status = subprocess.run([product.executable, "event", "publish", "a.b", "-"], env=product.environment, capture_output=True,
                            preexec_fn=lambda: os.close(0), timeout=60).returncode
    tally.check("a closed input publishes nothing", _unlike((status, events()), (1, before)))


def _arguments(product: Postrider, tally: Tally) -> None:
    """A library that sets a variable when it is loaded moves the environment, as agents for tracing do."""
    with tempfile.TemporaryDirectory() as folder:
        source, library = pathlib.Path(folder, "agent.c"), pathlib.Path(folder, "agent.so")
        source.write_text('#include <stdlib.h>\n__attribute__((constructor)) static void begin(void) { setenv("AGENT", "1", 1); }\n')
        subprocess.run(["clang", "-shared", "-fPIC", "-o", library, source], check=True)
        environment = product.environment | {"LD_PRELOAD": str(library)}
        for words, wanted in ((("--version",), 0), (("bogus",), 64), ((), 64), (("endpoint",), 64)):
            done = subprocess.run([product.executable, *words], env=environment, capture_output=True, text=True, timeout=60)
            problem = _unlike(done.returncode, wanted, done.stderr)
            if words == ("--version",) and "postrider " not in done.stdout:
                problem = f"it prints {done.stdout[:200]}"
            tally.check(f"with a preloaded library `{' '.join(('postrider', *words))}` exits with {wanted}", problem)
