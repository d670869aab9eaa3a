"""Configurations that no one would write on purpose: the worker does not start, exits with 78 and says why in one line that names
the setting and repeats no value. And surroundings that lack nearly everything, in which it starts all the same."""

import os
import pathlib
import re
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Sequence

from checks.harness.postgres import Postgres, postgres
from checks.harness.processes import Failure
from checks.harness.product import Postrider, built_executable
from checks.harness.tally import Tally
from checks.hostile.network import seeing

_CONFIGURATION, _PATIENCE_S = 78, 5
_CANARY = "canary-value"
_KEY = "ab" * 32

# The setting, and values of it: each stops the start.
_REFUSED: dict[str, Sequence[str]] = {
    "DATABASE_URL": (
        "", f"nonsense://{_CANARY}@h/d", f"postgresql://u:{_CANARY}@h:99999/d", f"postgresql://u:{_CANARY}@h/d?no_such_option=1",
        f"postgresql://u:{_CANARY}@[::1/d", f"postgresql://u:{_CANARY}%zz@h/d", f"host=h password={_CANARY} no_such_option=1",
        f"host=h password='{_CANARY}", f"password={_CANARY} port=-1", f"password={_CANARY} sslmode=sometimes"),
    "MAX_IN_FLIGHT": ("", "0", "-1", "1e9", "abc", "٣", "０", " 5", "5 ", "+5", "0x10", "1_000", "9223372036854775808", "NaN", _CANARY),
    "MAX_IN_FLIGHT_BYTES": ("", "0", "-1", "1", "64 MB", "1e9", "9223372036854775808", "9223372036854775807 GiB", "∞", _CANARY),
    "ALLOWED_NETWORKS": (
        "0.0.0.0/0", "::/0", "127.0.0.1/0", "127.0.0.1/8", "10.0.0.0/33", "fd00::/129", "10.0.0.0", "10.0.0.0/8,", ",", "10.0.0.0/8 10.1.0.0/16",
        "::ffff:10.0.0.0/104", "localhost/8", "10.0.0.0/255.0.0.0", ", ".join(["10.0.0.0/8"] * 257), _CANARY),
    "ALLOW_HTTP": ("", "True", "1", "yes", "on", "ｔｒｕｅ", _CANARY),
    "LEASE_SLACK": ("", "0s", "-1s", "1", "1.5s", "1e3s", "99999999999999999999s", "9223372036854775807d", "1h1m", "forever", _CANARY),
    "DRAIN_TIMEOUT": ("", "0s", "2h", "-25s", "25 s", _CANARY),
    "HEALTH_LISTEN": ("", "8080", ":8080", "127.0.0.1", "127.0.0.1:0", "127.0.0.1:65536", "127.0.0.1:-1", "127.1:8080", "[::1]", "example.com:80",
                      "[fe80::1%lo]:8080", "127.0.0.1:٨٠٨٠", _CANARY),
    "LOG_LEVEL": ("", "INFO", "verbose", _CANARY),
    "LOG_FORMAT": ("", "xml", "JSON", _CANARY),
    "SECRET_KEY_FILE": ("", f"/nonexistent/{_CANARY}", "/", "/dev/zero", "/dev/null"),
    "CONFIG": ("", f"/nonexistent/{_CANARY}", "/", "/dev/zero", "/dev/stdin"),
    "CONCURENCY": ("1",), "MAX_INFLIGHT": ("1",), "DANGEROUS_DISABLE_TLS_VERIFY": ("true",), "": ("1",),
}
# What a key file may not hold.
_KEY_FILES = {
    "short": f"k1:{_KEY[2:]}", "long": f"k1:{_KEY}ab", "no number": f"k1:{'zz' * 32}", "nothing": "", "blank": "\n\n",
    "one name twice": f"k1:{_KEY}\nk1:{_KEY[::-1]}\n", "huge": f"k1:{_KEY}\n" * 100, "no text": "k1:\udcff\udcfe",
}


def check(tally: Tally) -> None:
    with postgres() as server, tempfile.TemporaryDirectory() as place:
        folder = pathlib.Path(place)
        postrider = Postrider(built_executable(), server)
        postrider.run("migrate")
        for name, values in _REFUSED.items():
            problems = [problem for value in values if (problem := _problem(postrider, {f"POSTRIDER_{name}": value}, f"POSTRIDER_{name}"))]
            tally.check(f"POSTRIDER_{name}: {len(values)} bad values", "\n".join(problems))
        for title, content in _KEY_FILES.items():
            _key_file(folder / "key", content, 0o400)
            tally.check(f"a key file that holds {title}", _problem(postrider, _key(folder / "key"), "key.file"))
        _key_file(folder / "key", f"k1:{_KEY}\n", 0o444)
        tally.check("a key file that everybody may read", _problem(postrider, _key(folder / "key"), "POSTRIDER_SECRET_KEY_FILE"))
        with socket.create_server(("127.0.0.1", 0)) as taken:
            address = f"127.0.0.1:{taken.getsockname()[1]}"
            tally.check("a health address that is taken",
                        _problem(postrider, {"POSTRIDER_HEALTH_LISTEN": address}, "POSTRIDER_HEALTH_LISTEN"))
        _surroundings(tally, postrider, server, folder)


def _key(path: pathlib.Path) -> dict[str, str]:
    return {"POSTRIDER_SECRET_KEY_FILE": str(path)}


def _key_file(path: pathlib.Path, content: str, mode: int) -> None:
    path.unlink(missing_ok=True)
    path.write_bytes(content.encode("utf-8", "surrogateescape"))
    path.chmod(mode)


def _problem(postrider: Postrider, settings: dict[str, str], named: str, within: Sequence[str] = ()) -> str | None:
    """What is wrong with how the worker refuses to start."""
    given = next(iter(settings.values()), "")
    try:
        done = subprocess.run([*within, postrider.executable, "worker"], env=postrider.environment | settings, stdin=subprocess.DEVNULL,
                              capture_output=True, timeout=_PATIENCE_S)
    except subprocess.TimeoutExpired:
        return f"{given[:60]!r}: it does not refuse to start"
    said = (done.stdout + done.stderr).decode(errors="replace")
    if done.returncode != _CONFIGURATION:
        return f"{given[:60]!r}: it exits with {done.returncode}: {said[-300:]}"
    if not re.search(named, said, re.IGNORECASE) or len(said.splitlines()) != 1 or not said.startswith("postrider: "):
        return f"{given[:60]!r}: it says {said[-300:]!r}"
    return f"{given!r} is repeated: {said}" if _CANARY in said or _KEY in said else None


# MARK: surroundings


def _surroundings(tally: Tally, postrider: Postrider, server: Postgres, folder: pathlib.Path) -> None:
    if os.geteuid() != 0:
        print("skipped: to take /tmp, the name servers and the certificates from a worker takes root")
        return
    empty, nothing = folder / "empty", folder / "nothing"
    empty.touch()
    nothing.mkdir()
    tally.check("no trusted certificates", _problem(postrider, {}, "ca-certificates", seeing({"/etc/ssl/certs": nothing})))
    bare = Postrider(built_executable(), server)
    bare.environment = {name: value for name, value in bare.environment.items() if name.startswith("POSTRIDER_")} | {"LANG": "C"}
    account = shutil.which("setpriv") or "/usr/bin/setpriv"
    lacking = ["unshare", "--mount", "sh", "-c",
               "mount --bind '" + str(empty) + "' /etc/resolv.conf && mount --bind '" + str(empty) + "' /etc/hosts && "
               "mount -t tmpfs -o ro none /root && exec \"$@\"", "sh", account, "--reuid=54321", "--regid=54321", "--clear-groups"]
    # Its account must reach the socket, the executable and its own log.
    server.root.chmod(0o755)
    try:
        with bare.worker(within=lacking) as worker:
            tally.check("without HOME, PATH, name servers, hosts and an account of a name it starts", None if worker.is_ready() else "not ready")
    except Failure as failure:
        tally.check("without HOME, PATH, name servers, hosts and an account of a name it starts", str(failure))
