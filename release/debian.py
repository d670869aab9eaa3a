"""The .deb: dpkg-deb packs it, dpkg-shlibdeps says which libraries it needs."""

import datetime
import hashlib
import os
import pathlib
import subprocess
import tempfile

from release import ROOT
from release.facts import Facts
from release.files import File, Files, compressed
from release.image import Image
from release.tree import DOCUMENTS, SETTINGS, USR, tree

_CONTROL = ROOT / "deploy/debian"
_SCRIPTS = ("postinst", "prerm", "postrm")


def build(image: Image, facts: Facts, about: Files, into: pathlib.Path) -> None:
    with tempfile.TemporaryDirectory(prefix="postrider-deb-") as folder:
        root = pathlib.Path(folder, "postrider")
        files = {f"usr/{path}": file for path, file in (tree(USR, image) | _documents(facts, about)).items()}
        # It may hold a password. The group is set when it is installed, since it has no fixed number.
        files["etc/postrider/postrider.conf"] = File(SETTINGS.read_bytes(), 0o640)
        _lay(files, root)
        _lay(_control(files, facts, _libraries(root)), root / "DEBIAN")
        # What it says goes to standard error; the level is fixed, so that the bytes are the same on every machine.
        subprocess.run(
            ["dpkg-deb", "--root-owner-group", "-Zxz", "-z6", "--threads-max=1", "--build", root, into],
            check=True, stdout=subprocess.DEVNULL, env=os.environ | {"SOURCE_DATE_EPOCH": str(facts.epoch)})


def _lay(files: Files, root: pathlib.Path) -> None:
    for path, file in files.items():
        place = root / path
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(file.content)
        place.chmod(file.mode)


def _documents(facts: Facts, about: Files) -> Files:
    day = datetime.datetime.fromtimestamp(facts.epoch, datetime.UTC).strftime("%a, %d %b %Y %H:%M:%S +0000")
    changes = f"""postrider ({facts.version}) bookworm; urgency=medium

  * What is new stands in CHANGELOG.md of the source.

 -- {facts.maintainer}  {day}
"""
    return {
        f"{DOCUMENTS}/changelog.gz": File(compressed(changes.encode())),
        f"{DOCUMENTS}/copyright": File((_CONTROL / "copyright").read_bytes()),
        f"{DOCUMENTS}/third-party.gz": File(compressed(about["third-party"].content)),
        f"{DOCUMENTS}/BUILD": about["BUILD"],
        "share/lintian/overrides/postrider": File((_CONTROL / "lintian-overrides").read_bytes()),
    }


def _control(files: Files, facts: Facts, libraries: str) -> Files:
    kilobytes = sum(-(-len(file.content) // 1024) for file in files.values())
    control = (_CONTROL / "control").read_text().format(
        version=facts.version, maintainer=facts.maintainer, size=kilobytes, libraries=libraries)
    sums = "".join(
        f"{hashlib.md5(file.content).hexdigest()}  {path}\n" for path, file in sorted(files.items()) if not path.startswith("etc/"))
    return {
        "control": File(control.encode()), "conffiles": File(b"/etc/postrider/postrider.conf\n"), "md5sums": File(sums.encode()),
    } | {name: File((_CONTROL / name).read_bytes(), 0o755) for name in _SCRIPTS}


def _libraries(root: pathlib.Path) -> str:
    """The packages with the libraries that the executable loads, with the versions that have what it uses of them."""
    with tempfile.TemporaryDirectory() as folder:
        pathlib.Path(folder, "debian").mkdir()
        pathlib.Path(folder, "debian/control").write_text("Source: postrider\n\nPackage: postrider\nArchitecture: amd64\n")
        said = subprocess.run(
            ["dpkg-shlibdeps", "--warnings=0", "-O", f"-S{root}", f"-e{root}/usr/bin/postrider"], cwd=folder, check=True,
            capture_output=True, text=True).stdout
        return said.strip().removeprefix("shlibs:Depends=")
