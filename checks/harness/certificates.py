"""Authorities and certificates of our own, by openssl."""

import subprocess
from pathlib import Path

_KEY = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes")


def authority(folder: Path, name: str) -> None:
    """Makes NAME.pem and NAME.key, which sign others."""
    _openssl("req", "-x509", *_KEY, "-days", "2", "-subj", f"/CN={name}", "-keyout", folder / f"{name}.key", "-out", folder / f"{name}.pem")


def certificate(folder: Path, name: str, *extensions: str, by: str = "ca") -> None:
    """Makes NAME.pem and NAME.key, signed by an authority."""
    (folder / "extensions").write_text("\n".join(extensions))
    _openssl("req", *_KEY, "-subj", f"/CN={name}", "-keyout", folder / f"{name}.key", "-out", folder / f"{name}.csr")
    _openssl("x509", "-req", "-in", folder / f"{name}.csr", "-CA", folder / f"{by}.pem", "-CAkey", folder / f"{by}.key", "-days", "2",
             "-CAcreateserial", "-extfile", folder / "extensions", "-out", folder / f"{name}.pem")


def _openssl(*words: str | Path) -> None:
    subprocess.run(["openssl", *words], check=True, capture_output=True)
