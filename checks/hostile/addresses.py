"""Every URL and address of the corpus as an endpoint that is stored whatever its rules say: no packet to a forbidden address.

The same files that the tests of the rules walk through. In a sealed network each address would answer, so what is not dialled
was refused by the worker and by nothing else.
"""

import asyncio
import dataclasses
import ipaddress
import pathlib
import tempfile
import urllib.parse

from checks import ROOT
from checks.harness.postgres import Session, postgres
from checks.harness.processes import wait_until
from checks.harness.product import Postrider, built_executable
from checks.harness.tally import Tally
from checks.hostile.names import NO_SUCH_NAME, SERVER_FAILURE, SILENCE, Answer, Zone
from checks.hostile.network import connections_begun, datagrams_sent, sealed_network, seeing
from checks.hostile.outside import Outside, Request, Script, Visit

_VECTORS = ROOT / "Tests/OutboxTests/Vectors"
# Where names lead that the corpus takes for good ones.
_ELSEWHERE, _METADATA = "9.9.9.9", "169.254.169.254"
# How many datagrams a name costs at most: three tries for each family.
_QUESTIONS = 3 * 2
_PORTS = (80, 443, 1024, 8080, 8443, 65535)


@dataclasses.dataclass(frozen=True)
class Case:
    name: str
    url: str
    # What its attempt says, and whether there is a later one; None for an endpoint that may be dialled.
    code: str | None
    is_dead: bool = False
    # What is dialled.
    visits: tuple[Visit, ...] = ()


def check(tally: Tally) -> None:
    with sealed_network() as is_sealed:
        if not is_sealed:
            print("skipped: a network without a way out takes root, and without one no forbidden address is dialled")
            return
        moving = [Answer([_ELSEWHERE], lifetime_s=0), Answer([_METADATA], lifetime_s=0)]
        cases, told = _of_urls(), dict[str, Answer | list[Answer]]({"moving.example": moving, "*": Answer([_ELSEWHERE])})
        for more, answers in (_of_addresses(), _of_names()):
            cases += more
            told |= answers
        with Outside(Zone(told), _PORTS, _SCRIPTS).open() as outside, postgres() as server, tempfile.TemporaryDirectory() as folder:
            postrider = Postrider(built_executable(), server)
            del postrider.environment["POSTRIDER_ALLOWED_NETWORKS"]
            postrider.run("migrate")
            with server.session() as session, postrider.worker(within=seeing(_files(pathlib.Path(folder)))) as worker:
                _forbidden(tally, session, outside, [case for case in cases if case.code])
                _allowed(tally, session, outside, [case for case in cases if not case.code])
                _moving(tally, session, outside)
                tally.check("the worker lives", None if worker.process.poll() is None else worker.log.read_text()[-500:])


def _files(folder: pathlib.Path) -> dict[str, pathlib.Path]:
    hosts, servers = folder / "hosts", folder / "resolv.conf"
    hosts.write_text("10.0.0.5 in-hosts.example\n127.0.0.1 localhost\n")
    servers.write_text("search inside.example\nnameserver 127.0.0.1\n")
    return {"/etc/hosts": hosts, "/etc/resolv.conf": servers}


# MARK: the corpus


def _lines(name: str) -> list[tuple[str, str]]:
    escapes = (("\\r", "\r"), ("\\n", "\n"), ("\\t", "\t"))
    cases = []
    for line in (_VECTORS / name).read_text().split("\n"):
        if not line or line.startswith("# ") or "\\0" in line:
            continue  # PostgreSQL stores no NUL
        given, expected = line.split("\t")
        parts = given.split("\\\\")
        for written, meant in escapes:
            parts = [part.replace(written, meant) for part in parts]
        cases.append(("\\".join(parts), expected))
    return cases


def _of_urls() -> list[Case]:
    cases = []
    for number, (url, expected) in enumerate(_lines("endpoint-urls.tsv")):
        name, (kind, _, rest) = f"url-{number}", expected.partition(" ")
        if kind == "ok":
            cases.append(Case(name, url, None, visits=(_visit(rest),)))
        else:
            code = "blocked_address" if rest in ("address", "name") else "invalid_url"
            cases.append(Case(name, url, code, is_dead=not _is_of_own_networks(url, rest)))
    return cases


_OWN_NETWORKS = [ipaddress.ip_network(text) for text in ("10.0.0.0/8", "127.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "::1/128", "fc00::/7")]


def _is_of_own_networks(url: str, refused: str) -> bool:
    """Whether another worker may be set up to dial it, so that it is tried again."""
    host = (urllib.parse.urlsplit(url).hostname or "").removesuffix(".")
    if refused == "name":
        return not host.startswith(("metadata", "instance-data"))
    return refused == "address" and any(ipaddress.ip_address(host) in network for network in _OWN_NETWORKS)


def _visit(url: str) -> Visit:
    """Where a normalised URL leads to."""
    scheme, _, rest = url.partition("://")
    authority = rest.split("/")[0]
    host, _, port = authority.rpartition(":") if not authority.endswith("]") and ":" in authority else (authority, "", "")
    address = host.strip("[]")
    return Visit(address if address.replace(".", "").isdigit() or ":" in address else _ELSEWHERE,
                 int(port or {"http": 80, "https": 443}[scheme]))


def _of_addresses() -> tuple[list[Case], dict[str, Answer]]:
    """Each address as what a name resolves to."""
    cases, told = [], {}
    for number, (address, expected) in enumerate(_lines("addresses.tsv")):
        name = f"address-{number}.names.example"
        told[name] = Answer([address])
        visits = (Visit(address.removeprefix("::ffff:"), 80),)
        cases.append(Case(name, f"http://{name}/", None, visits=visits) if expected == "allowed"
                     else Case(name, f"http://{name}/", "blocked_address"))
    return cases, told


def _of_names() -> tuple[list[Case], dict[str, Answer]]:
    # Short names, so that a chain of them fits into a datagram.
    chain = [f"l{number}.ex" for number in range(16)]
    told: dict[str, tuple[Answer, str | None]] = {
        "mixed.example": (Answer(["1.2.3.4", "10.0.0.1"]), "blocked_address"),
        "mixed-other-way.example": (Answer(["10.0.0.1", "1.2.3.4"]), "blocked_address"),
        "mixed-families.example": (Answer(["1.2.3.4", "::1"]), "blocked_address"),
        "mixed-late.example": (Answer([f"9.0.0.{number}" for number in range(20)] + [_METADATA]), "blocked_address"),
        "alias.example": (Answer([_METADATA], aliases=["metadata.google.internal"]), "blocked_address"),
        "long-alias.example": (Answer([_METADATA], aliases=chain), "blocked_address"),
        "good-alias.example": (Answer([_ELSEWHERE], aliases=chain), None),
        "loop.example": (Answer(aliases=["loop-2.example", "loop.example"]), "dns_failure"),
        "in-hosts.example": (Answer([_ELSEWHERE]), "blocked_address"),
        "failing.example": (Answer(code=SERVER_FAILURE), "dns_failure"),
        "silent.example": (Answer(code=SILENCE), "dns_failure"),
        "gone.example": (Answer(code=NO_SUCH_NAME), "dns_failure"),
        "empty.example": (Answer(), "dns_failure"),
        # What a search domain would make of a name that does not exist.
        "gone.example.inside.example": (Answer([_ELSEWHERE]), None),
    }
    cases = [Case(name, f"http://{name}/", code, visits=() if code else (Visit(_ELSEWHERE, 80),)) for name, (_, code) in told.items()]
    return cases, {name: answer for name, (answer, _) in told.items()}


# MARK: what becomes of it


def _store(session: Session, cases: list[Case], retry: str = "1 h") -> None:
    """Past every rule, as a restored dump or another writer could. One event for each, and one attempt."""
    for case in cases:
        endpoint = session.value(
            "SELECT endpoint_id FROM postrider.register_endpoint(%s, 'https://a.example/', '{none}', retry_schedule => ARRAY[%s::interval])",
            case.name, retry)
        session.rows("UPDATE postrider.endpoint_urls SET url = %s WHERE endpoint_id = %s", case.url, endpoint)
        session.rows("INSERT INTO postrider.outbox (event_type, payload, endpoint) VALUES ('some.event', '{}', %s)", case.name)


def _attempted(session: Session, cases: list[Case]) -> dict[str, tuple[str, str | None, str]]:
    """The outcome, code and error of each one's attempt, once all have one."""
    def all_of_them() -> list[tuple[str, str, str | None, str]]:
        rows = session.rows("SELECT endpoint, outcome, error_code, coalesce(error, '') FROM postrider.attempt_log WHERE endpoint = ANY (%s)",
                            [case.name for case in cases])
        return rows if len(rows) >= len(cases) else []
    return {name: (outcome, code, error) for name, outcome, code, error in wait_until("each was attempted", all_of_them, 30, 0.2)}


def _forbidden(tally: Tally, session: Session, outside: Outside, cases: list[Case]) -> None:
    begun, sent, answered = connections_begun(), datagrams_sent(), outside.answered
    _store(session, cases)
    attempts = _attempted(session, cases)
    tally.check(f"{len(cases)} endpoints that may not be dialled: no connection is begun", _difference(connections_begun() - begun, 0))
    asked = datagrams_sent() - sent - (outside.answered - answered)
    tally.check("nor a datagram sent, but questions to the name server", None if asked <= _QUESTIONS * len(cases) else f"{asked} were")
    for case in cases:
        outcome, code, error = attempts[case.name]
        expected = ("dead" if case.is_dead else "retry", case.code)
        tally.check(f"{case.url!r} is {case.code}", None if (outcome, code) == expected else f"it is {outcome}, {code}: {error}")
    # An address in the URL may stand in its error, one that a name server gave may not: it tells of the network inside.
    told = [error for case in cases if not case.is_dead for error in [attempts[case.name][2]] if any(map(str.isdigit, error))]
    tally.check("what a name resolved to is not told to its owner", ", ".join(told))


def _allowed(tally: Tally, session: Session, outside: Outside, cases: list[Case]) -> None:
    _store(session, cases)
    _attempted(session, cases)
    tally.check(f"{len(cases)} other endpoints: each address is dialled, and no further one",
                _difference({*outside.visits}, {visit for case in cases for visit in case.visits}))


def _moving(tally: Tally, session: Session, outside: Outside) -> None:
    """A name that moves inside after the first attempt, and redirects to there: to another host, by path, to a file."""
    cases = [Case("moving.example", "http://moving.example/busy", None)]
    cases += [Case(f"redirect-{status}", f"http://{_ELSEWHERE}/redirect/{status}", None) for status in _REDIRECTS]
    before = len(outside.visits)
    _store(session, cases, retry="1500 ms")
    found = {case.name: wait_until(f"{case.name} was attempted twice", lambda: _codes(session, case.name), 20, 0.2) for case in cases}
    for case in cases:
        expected = ["http_status", "blocked_address"] if case.name == "moving.example" else ["redirect", "redirect"]
        tally.check(f"{case.url} twice: {', '.join(expected)}", _difference(found[case.name], expected))
    tally.check("no redirect is followed", _difference({visit.address for visit in outside.visits[before:]}, {_ELSEWHERE}))


def _codes(session: Session, endpoint: str) -> list[str]:
    rows = session.rows("SELECT error_code FROM postrider.attempt_log WHERE endpoint = %s ORDER BY attempt", endpoint)
    return [code for (code,) in rows] if len(rows) == 2 else []


def _difference(found: object, expected: object) -> str | None:
    if found == expected:
        return None
    if isinstance(found, set) and isinstance(expected, set):
        return f"too many: {sorted(map(str, found - expected))}; missing: {sorted(map(str, expected - found))}"
    return f"{found} instead of {expected}"


# MARK: what the receivers answer


async def _busy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, request: Request) -> None:
    writer.write(b"HTTP/1.1 503 Busy\r\nContent-Length: 0\r\n\r\n")


async def _redirect(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, request: Request) -> None:
    status = request.path.split("/")[2]
    place = _REDIRECTS[status]
    writer.write(f"HTTP/1.1 {status} Elsewhere\r\nLocation: {place}\r\nContent-Length: 0\r\n\r\n".encode())


_REDIRECTS = {
    "300": "http://10.0.0.1/", "301": f"http://{_METADATA}/latest/meta-data/", "302": "file:///etc/passwd", "303": "/ok",
    "305": "http://127.0.0.1:8080/", "307": "//10.0.0.1/", "308": "http://metadata.google.internal/",
}
_SCRIPTS: dict[str, Script] = {"busy": _busy, "redirect": _redirect}
