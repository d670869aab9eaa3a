"""Usage: python3 -m release SAVED-IMAGE FOLDER        scripts/release calls it."""

import hashlib
import pathlib
import sys

from release import debian, image, tree
from release.about import about
from release.facts import of_this_tree
from release.files import LARGE, compressed, tar
from release.sbom import sbom


def main() -> None:
    saved, folder = map(pathlib.Path, sys.argv[1:])
    facts, made = of_this_tree(), image.read(saved)
    says = about(made, facts)
    name = f"postrider-{facts.version}"
    for path, content in {
        f"{name}-linux-x86_64.tar.gz": compressed(tar(tree.tarball(made, facts, says), facts.epoch), LARGE),
        f"{name}-image.tar": image.archive(made, facts),
        f"{name}.spdx.json": sbom(made, facts),
        "BUILD": says["BUILD"].content,
    }.items():
        (folder / path).write_bytes(content)
    debian.build(made, facts, says, folder / f"postrider_{facts.version}_amd64.deb")
    sums = {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in sorted(folder.iterdir())}
    (folder / "SHA256SUMS").write_text("".join(f"{digest}  {path}\n" for path, digest in sums.items()))
    for path in sorted(folder.iterdir()):
        print(f"{path.stat().st_size / 1e6:8.1f} MB  {path.name}")


main()
