"""What encryption costs, and what large payloads cost."""

import pathlib
import tempfile

from bench.certificates import make_certificate, trusting
from bench.draining import Drained, drain
from bench.findings import Findings
from bench.nginx import Nginx, nginx
from bench.publishing import PAYLOAD_BYTES, register
from bench.scene import Bars, Scene
from bench.stage import Stage
from checks.harness.processes import Failure

# (key, title, bytes, events): about the same time each.
PAYLOADS = (("100b", "100 B", 100, 30_000), ("10kb", "10 KB", 10_000, 20_000), ("250kb", "250 KB", 250_000, 1_000))
TLS_EVENTS = 30_000


def measure(stage: Stage) -> Findings:
    findings = Findings()
    with tempfile.TemporaryDirectory(prefix="postrider-bench-tls-") as folder:
        certificate = make_certificate(pathlib.Path(folder))
        try:
            within = trusting(certificate.authority)
        except Failure as failure:
            findings.notes.append(f"TLS could not be measured: {failure}")
            within = []
        with nginx(certificate=certificate) as endpoint:
            _encrypted(stage, endpoint, within, findings)
            for key, title, payload_bytes, events in PAYLOADS:
                drained = _drained(stage, endpoint, endpoint.url, events, payload_bytes)
                _add(findings, key, f"{title}, without TLS", drained)
                findings.add(f"{key}_wal_bytes", f"{title}: WAL, a delivery", drained.wal_bytes, "bytes")
                findings.add(f"{key}_peak_memory_mib", f"{title}: peak memory of the worker", drained.peak_memory_mib, "MiB")
    return findings


def _encrypted(stage: Stage, endpoint: Nginx, within: list[str], findings: Findings) -> None:
    kinds = [("plain", "without TLS", endpoint.url)]
    if within:
        kinds += [("tls", "TLS, HTTP/1.1", endpoint.tls_urls[0]), ("tls_http2", "TLS, HTTP/2 offered", endpoint.tls_urls[1])]
    for key, title, url in kinds:
        drained = _drained(stage, endpoint, url, TLS_EVENTS, PAYLOAD_BYTES, within if key != "plain" else [])
        _add(findings, key, f"{PAYLOAD_BYTES} B, {title}", drained)
    for key, title, _ in kinds[1:]:
        findings.add_ratio(
            f"{key}_ratio", f"… deliveries a second of {title}, to without", f"{key}_per_second", "plain_per_second"
        )


def _drained(
    stage: Stage, endpoint: Nginx, url: str, events: int, payload_bytes: int, within: list[str] | None = None
) -> Drained:
    with stage.installation() as installation:
        register(installation.session, [url], event_types="{*}")
        return drain(stage, installation, endpoint, events // (3 if stage.is_quick else 1), payload_bytes, within or [])


def _add(findings: Findings, key: str, title: str, drained: Drained) -> None:
    findings.add(f"{key}_per_second", f"{title}: deliveries a second", drained.deliveries_per_second)
    findings.add(
        f"{key}_cpu_us",
        f"{title}: CPU of worker and PostgreSQL, a delivery",
        drained.cpu_us["worker"] + drained.cpu_us["postgres"],
        "µs",
    )
    findings.faults += [f"{title}: {fault}" for fault in drained.faults]


SCENE = Scene(
    "tls",
    "TLS and large payloads",
    "The drain over TLS, with a certificate of an authority of our own (ECDSA, P-256), and without TLS with payloads "
    "of 100 B, 10 KB and "
    "250 KB. Few connections serve many requests, as for any endpoint that gets many events.",
    70,
    measure,
    pictures=(
        Bars(
            "Deliveries a second, 500 B",
            "",
            (
                ("without TLS", "plain_per_second"),
                ("TLS, HTTP/1.1", "tls_per_second"),
                ("TLS, HTTP/2 offered", "tls_http2_per_second"),
            ),
        ),
        Bars(
            "CPU of worker and PostgreSQL a delivery, by payload",
            "µs",
            (("100 B", "100b_cpu_us"), ("500 B", "plain_cpu_us"), ("10 KB", "10kb_cpu_us"), ("250 KB", "250kb_cpu_us")),
        ),
    ),
)
