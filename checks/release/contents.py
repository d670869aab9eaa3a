"""What is in dist/, looked at without installing it."""

import hashlib
import json
import pathlib
import re
import subprocess
import sys
import tarfile
import tempfile

from checks.harness.processes import Failure
from checks.harness.tally import Tally

# What every Debian and Ubuntu has, and the three that the packages below bring.
LIBRARIES = {"libm.so.6", "libc.so.6", "libgcc_s.so.1", "libstdc++.so.6", "ld-linux-x86-64.so.2"} | {
    "libpq.so.5", "libcurl.so.4", "libcares.so.2"}
_PRIVATE = re.compile(r"(/work|/home|/root|/tmp|/source)/[A-Za-z0-9_./-]+")


def one(folder: pathlib.Path, pattern: str) -> pathlib.Path:
    found = list(folder.glob(pattern))
    if len(found) != 1:
        raise Failure(f"there should be one {pattern} in {folder}, and there are {len(found)}")
    return found[0]


def check(dist: pathlib.Path, tally: Tally) -> None:
    names = sorted(path.name for path in dist.iterdir())
    print("dist: " + ", ".join(names))
    sums = subprocess.run(["sha256sum", "--check", "--strict", "SHA256SUMS"], cwd=dist, capture_output=True, text=True)
    tally.check("SHA256SUMS holds", sums.stdout + sums.stderr if sums.returncode != 0 else None)
    listed = {line.split()[1] for line in (dist / "SHA256SUMS").read_text().splitlines()} | {"SHA256SUMS"}
    tally.check("SHA256SUMS names every file", ", ".join(sorted(set(names) ^ listed)))
    said = subprocess.run(
        ["lintian", "--allow-root", "--fail-on=error,warning", one(dist, "*.deb")], capture_output=True, text=True)
    tally.check("the .deb: lintian", said.stdout + said.stderr if said.returncode != 0 else None)
    bill = one(dist, "*.spdx.json")
    spdx = subprocess.run([pathlib.Path(sys.executable).parent / "pyspdxtools", "-i", bill], capture_output=True, text=True)
    tally.check("the SBOM: pyspdxtools", spdx.stdout + spdx.stderr if spdx.returncode != 0 else None)
    _check_executable(dist, bill, tally)


def _check_executable(dist: pathlib.Path, bill: pathlib.Path, tally: Tally) -> None:
    """What it needs of a system, and that all of dist/ is about the same one."""
    with tempfile.TemporaryDirectory() as folder:
        with tarfile.open(one(dist, "*-linux-x86_64.tar.gz")) as archive:
            archive.extractall(folder)
        executable = next(pathlib.Path(folder).glob("*/bin/postrider"))
        dynamic = subprocess.run(["readelf", "--dynamic", executable], check=True, capture_output=True, text=True).stdout
        needed = set(re.findall(r"\(NEEDED\).*\[(.+)\]", dynamic))
        tally.check("the executable loads what every system has, and three more", ", ".join(sorted(needed ^ LIBRARIES)))
        tally.check("it has no search path of its own", "\n".join(re.findall(r".*\(R(?:UN)?PATH\).*", dynamic)))
        texts = {path.name: path.read_text(errors="ignore") for path in pathlib.Path(folder).rglob("*") if path.is_file() and path != executable}
        private = [f"{name}: {found[0]}" for name, text in texts.items() if (found := _PRIVATE.search(text))]
        tally.check("no file names a folder of the machine that built it", "\n".join(private))
        digest = hashlib.sha256(executable.read_bytes()).hexdigest()
    sums = [package.get("checksums", [{}])[0].get("checksumValue") for package in json.loads(bill.read_text())["packages"]]
    tally.check("the SBOM is of this executable", None if digest in sums else f"its SHA-256 is {digest}")
    deb = subprocess.run(["dpkg-deb", "--fsys-tarfile", one(dist, "*.deb")], check=True, capture_output=True).stdout
    packed = subprocess.run(["tar", "-xO", "./usr/bin/postrider"], input=deb, check=True, capture_output=True).stdout
    same = hashlib.sha256(packed).hexdigest()
    tally.check("the .deb has the same executable", None if same == digest else f"its SHA-256 is {same}")
    _check_image(one(dist, "*-image.tar"), tally)


def _check_image(archive: pathlib.Path, tally: Tally) -> None:
    """Whether another program than ours takes it for an image that starts a worker."""
    name = f"docker-archive:{archive}"
    said = subprocess.run(["buildah", "pull", "-q", name], capture_output=True, text=True)
    tally.check("the image: buildah loads the archive", said.stderr if said.returncode != 0 else None)
    if said.returncode == 0:
        described = subprocess.run(
            ["buildah", "inspect", "--type", "image", said.stdout.strip()], check=True, capture_output=True, text=True).stdout
        config = json.loads(described)["OCIv1"]["config"]
        started = (config.get("User"), config.get("Entrypoint"), config.get("Cmd"))
        wanted = ("65532:65532", ["/usr/bin/postrider"], ["worker"])
        tally.check("the image: it starts a worker as user 65532", None if started == wanted else str(started))


def difference(one_folder: pathlib.Path, other: pathlib.Path) -> str:
    names = {path.name for path in one_folder.iterdir()} | {path.name for path in other.iterdir()}
    return ", ".join(
        name for name in sorted(names)
        if not ((one_folder / name).exists() and (other / name).exists()
                and (one_folder / name).read_bytes() == (other / name).read_bytes()))
