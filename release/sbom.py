"""The bill of materials, in SPDX 2.3: https://spdx.github.io/spdx-spec/v2.3/"""

import hashlib
import json
import re
from typing import Any

from release.facts import Facts
from release.files import Files
from release.image import Image

ABOUT = "usr/share/doc/postrider"
_PRODUCT = "SPDXRef-postrider"


def sbom(image: Image, facts: Facts) -> bytes:
    executable = image.files["usr/bin/postrider"].content
    packages = [_package(
        _PRODUCT, "postrider", facts.version, "Apache-2.0", f"pkg:generic/postrider@{facts.version}",
        primaryPackagePurpose="APPLICATION", sourceInfo=f"built from commit {facts.commit}",
        comment="The executable alone. The Debian packages are those that it was linked with, which the image holds; the tarball and "
                "the .deb use those of the machine that they are installed on.",
        checksums=[{"algorithm": "SHA256", "checksumValue": hashlib.sha256(executable).hexdigest()}])]
    relations = [("SPDXRef-DOCUMENT", "DESCRIBES", _PRODUCT)]
    for package in _swift_packages(image):
        packages.append(package)
        relations.append((_PRODUCT, "STATIC_LINK", package["SPDXID"]))
    packages.append(boringssl := _boringssl(image))
    relations.append(("SPDXRef-swift-crypto", "CONTAINS", boringssl["SPDXID"]))
    for package in _debian_packages(image):
        packages.append(package)
        how = "DEPENDS_ON" if package["name"] == "ca-certificates" else "DYNAMIC_LINK"
        relations.append((_PRODUCT, how, package["SPDXID"]))
    return json.dumps({
        "spdxVersion": "SPDX-2.3", "dataLicense": "CC0-1.0", "SPDXID": "SPDXRef-DOCUMENT", "name": f"postrider-{facts.version}",
        "documentNamespace": f"https://spdx.org/spdxdocs/postrider-{facts.version}-{hashlib.sha256(executable).hexdigest()[:32]}",
        "creationInfo": {"created": facts.time, "creators": [f"Tool: postrider-release-{facts.version}"]},
        "packages": packages,
        "relationships": [
            {"spdxElementId": one, "relationshipType": how, "relatedSpdxElement": other} for one, how, other in relations],
    }, indent=2, sort_keys=True).encode() + b"\n"


def _package(identity: str, name: str, version: str, licence: str, purl: str, **more: Any) -> dict[str, Any]:
    return {
        "SPDXID": identity, "name": name, "versionInfo": version, "downloadLocation": "NOASSERTION", "filesAnalyzed": False,
        "licenseConcluded": licence, "licenseDeclared": licence, "copyrightText": "NOASSERTION",
        "externalRefs": [{"referenceCategory": "PACKAGE-MANAGER", "referenceType": "purl", "referenceLocator": purl}],
    } | more


def _swift_packages(image: Image) -> list[dict[str, Any]]:
    third_party = image.below(f"{ABOUT}/third-party")
    version = image.text(f"{ABOUT}/toolchain").removeprefix("Swift version ").split()[0]
    found = [_package(
        "SPDXRef-swift", "swift", version, _licence("swift", third_party), f"pkg:github/swiftlang/swift@swift-{version}-RELEASE",
        comment="The standard library, Foundation with ICU, and Dispatch")]
    for pin in json.loads(image.text(f"{ABOUT}/Package.resolved"))["pins"]:
        name = pin["location"].removesuffix(".git").rpartition("/")[2]
        where = pin["location"].removeprefix("https://").removesuffix(".git")
        state = pin["state"]
        found.append(_package(
            f"SPDXRef-{name}", name, state["version"], _licence(name, third_party), f"pkg:swift/{where}@{state['version']}",
            downloadLocation=f"git+https://{where}@{state['revision']}"))
    return found


def _licence(package: str, third_party: Files) -> str:
    """By the text that the package comes with."""
    name = re.compile(rf"{re.escape(package)}/LICENSE(\..*)?")
    text = "".join(file.content.decode() for path, file in sorted(third_party.items()) if name.fullmatch(path))
    if "Runtime Library Exception" in text:
        return "Apache-2.0 WITH Swift-exception"
    for sign, licence in (("Apache License", "Apache-2.0"), ("MIT License", "MIT")):
        if sign in text:
            return licence
    raise SystemExit(f"release: the licence of {package} is none that is known here")


def _boringssl(image: Image) -> dict[str, Any]:
    revision = image.text(f"{ABOUT}/boringssl").split()[-1]
    return _package(
        "SPDXRef-boringssl", "boringssl", revision, "NOASSERTION", f"pkg:github/google/boringssl@{revision}",
        downloadLocation=f"git+https://boringssl.googlesource.com/boringssl@{revision}")


def _debian_packages(image: Image) -> list[dict[str, Any]]:
    release = re.search(r'^VERSION_ID="(.+)"$', image.text("etc/os-release"), re.MULTILINE)
    assert release is not None
    found = []
    for _, file in sorted(image.below("var/lib/dpkg/status.d").items()):
        fields = dict(line.split(": ", 1) for line in file.content.decode().splitlines() if re.match(r"[A-Z][A-Za-z-]*: ", line))
        name, version = fields["Package"], fields["Version"]
        purl = f"pkg:deb/debian/{name}@{version.replace('+', '%2B')}?arch={fields['Architecture']}&distro=debian-{release[1]}"
        found.append(_package(
            f"SPDXRef-debian-{name.replace('+', '-plus')}", name, version, "NOASSERTION", purl,
            comment=f"Licence: /usr/share/doc/{name}/copyright in the image"))
    return found
