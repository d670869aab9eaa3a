"""A certificate for 127.0.0.1, and a worker that trusts whom it was signed by."""

import os
import pathlib
import shutil
import subprocess

from bench.nginx import Certificate
from checks.harness.processes import Failure

# Where libcurl of Debian looks for the certificates that it trusts.
TRUSTED = "/etc/ssl/certs/ca-certificates.crt"
_EXTENSIONS = "subjectAltName=IP:127.0.0.1\nbasicConstraints=CA:FALSE\n"


def make_certificate(folder: pathlib.Path) -> Certificate:
    """An authority of our own and a certificate that it signed, with the keys that are most used today: ECDSA, P-256."""
    if not shutil.which("openssl"):
        raise Failure("openssl is not installed here; on Debian: apt-get install openssl")
    made = Certificate(folder / "server.crt", folder / "server.key", folder / "authority.crt")
    (folder / "extensions").write_text(_EXTENSIONS)
    key = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes")
    for arguments in (
        (
            "req",
            "-x509",
            *key,
            "-days",
            "2",
            "-subj",
            "/CN=bench authority",
            "-keyout",
            folder / "authority.key",
            "-out",
            made.authority,
        ),
        ("req", "-new", *key, "-subj", "/CN=127.0.0.1", "-keyout", made.key, "-out", folder / "server.csr"),
        (
            "x509",
            "-req",
            "-in",
            folder / "server.csr",
            "-CA",
            made.authority,
            "-CAkey",
            folder / "authority.key",
            "-CAcreateserial",
            "-days",
            "2",
            "-extfile",
            folder / "extensions",
            "-out",
            made.certificate,
        ),
    ):
        done = subprocess.run(["openssl", *arguments], capture_output=True, text=True)
        if done.returncode != 0:
            raise Failure(f"openssl failed: {done.stderr.strip()[-300:]}")
    return made


def trusting(authority: pathlib.Path) -> list[str]:
    """A command within which a worker trusts this authority and no other: in its own view of the file system it finds that file
    where the system's certificates are. The worker has no setting for this, and needs none otherwise."""
    rights = ["--map-root-user"] if os.geteuid() != 0 else []
    within = ["unshare", "--mount", *rights, "sh", "-c", f'mount --bind "$0" {TRUSTED} && exec "$@"', str(authority)]
    tried = subprocess.run([*within, "true"], capture_output=True, text=True)
    if tried.returncode != 0:
        raise Failure(f"no file can be mounted for the worker alone: {tried.stderr.strip()[-200:]}")
    return within
