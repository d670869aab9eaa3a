"""The image: read from what docker, podman or buildah saved, and written so that `docker load` takes it."""

import dataclasses
import hashlib
import io
import json
import pathlib
import tarfile
from typing import Any

from release.facts import Facts
from release.files import LARGE, File, Files, compressed, tar

# What says how a container starts. Everything else in a builder's configuration is about the builder.
_STARTING = ("User", "ExposedPorts", "Env", "Entrypoint", "Cmd", "WorkingDir", "Labels", "StopSignal")


@dataclasses.dataclass(frozen=True)
class Image:
    files: Files
    config: dict[str, Any]

    def text(self, path: str) -> str:
        return self.files[path].content.decode()

    def below(self, folder: str) -> Files:
        """The files in a folder, by their path in it."""
        return {path.removeprefix(folder + "/"): file for path, file in self.files.items()
                if path.startswith(folder + "/") and not file.is_folder}


def read(saved: pathlib.Path) -> Image:
    with tarfile.open(saved) as archive:
        def content(name: str) -> bytes:
            found = archive.extractfile(name)
            assert found is not None
            return found.read()

        manifest = json.loads(content("manifest.json"))[0]
        files: Files = {}
        for layer in manifest["Layers"]:
            files |= _files(content(layer))
        return Image(files, json.loads(content(manifest["Config"]))["config"])


def _files(layer: bytes) -> Files:
    found: Files = {}
    with tarfile.open(fileobj=io.BytesIO(layer)) as archive:
        for entry in archive:
            path = entry.name.removeprefix("./").strip("/")
            if entry.isdir():
                found[path] = File(mode=entry.mode & 0o7777, is_folder=True)
            elif entry.issym():
                found[path] = File(mode=0o777, link=entry.linkname)
            elif (content := archive.extractfile(entry)) is not None:
                found[path] = File(content.read(), entry.mode & 0o7777)
            else:
                raise SystemExit(f"release: {entry.name} in the image is no file, folder or link")
    found.pop("", None)
    # FROM scratch has nothing that a later layer could take away.
    if hidden := [path for path in found if path.rpartition("/")[2].startswith(".wh.")]:
        raise SystemExit(f"release: a layer of the image removes {hidden[0]}")
    return found


def archive(image: Image, facts: Facts) -> bytes:
    """The image as one layer, with fixed times, in the format of `docker save`. The layer is compressed rather than the whole: docker,
    podman and buildah all take that."""
    layer = tar(image.files, facts.epoch)
    digest = hashlib.sha256(layer).hexdigest()
    config = json.dumps({
        "architecture": "amd64", "os": "linux", "created": facts.time,
        "config": {key: image.config[key] for key in _STARTING if key in image.config},
        "rootfs": {"type": "layers", "diff_ids": [f"sha256:{digest}"]},
        "history": [{"created": facts.time, "created_by": f"deploy/Dockerfile at {facts.commit}"}],
    }, sort_keys=True).encode()
    name = f"{hashlib.sha256(config).hexdigest()}.json"
    manifest = [{
        "Config": name, "Layers": [f"{digest}/layer.tar"],
        "RepoTags": [f"localhost/postrider:{facts.version}", "localhost/postrider:latest"],
    }]
    return tar({
        name: File(config), f"{digest}/layer.tar": File(compressed(layer, LARGE)), "manifest.json": File(json.dumps(manifest).encode()),
    }, facts.epoch)
