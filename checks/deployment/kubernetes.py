"""The Kubernetes manifests: what kustomize makes of them keeps to the schemas, and everything that a manifest names is there."""

import pathlib
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from typing import Any

import yaml

from checks import ROOT
from checks.harness.tally import Tally

_FOLDER = ROOT / "deploy/kubernetes"
_PYTHON = pathlib.Path(sys.executable).parent
# What the base leaves to who installs it.
LEFT_OUT = {("Secret", "postrider-database"), ("Secret", "postrider-keys"), ("Secret", "postrider-owner")}

Resource = dict[str, Any]


def check(tally: Tally) -> None:
    for name, absent in (("base", LEFT_OUT), ("example", set[tuple[str, str]]())):
        made = subprocess.run([_PYTHON / "kubectl", "kustomize", _FOLDER / name], capture_output=True, text=True)
        tally.check(f"kubernetes: kustomize makes {name}", made.stderr if made.returncode != 0 else None)
        if made.returncode != 0:
            continue
        with tempfile.NamedTemporaryFile("w", suffix=".yaml") as file:
            file.write(made.stdout)
            file.flush()
            said = subprocess.run([_PYTHON / "kubernetes-validate", "--strict", file.name], capture_output=True, text=True)
        tally.check(f"kubernetes: schemas of {name}", said.stdout + said.stderr if said.returncode != 0 else None)
        resources = [resource for resource in yaml.safe_load_all(made.stdout) if resource]
        tally.check(f"kubernetes: everything that {name} names is there", problems(resources, absent))


def problems(resources: list[Resource], absent: set[tuple[str, str]]) -> str:
    """What a resource names and is not there, except for `absent`, and what selects no pod. Empty if there is nothing."""
    there = {(resource["kind"], resource["metadata"]["name"]) for resource in resources}
    named = {reference for resource in resources for reference in _references(resource)}
    found = [f"there is no {kind} {name}" for kind, name in sorted(named - there - absent)]
    found += [f"{kind} {name} is named and said to be left out, but it is there" for kind, name in sorted(absent & there)]
    found += [f"no resource names the {kind} {name}, which is left out" for kind, name in sorted(absent - named)]
    made = {tuple(sorted(pod["metadata"]["labels"].items())) for pod in map(_pod, resources) if pod}
    for resource in resources:
        for wanted in _selectors(resource):
            if not any(set(wanted.items()) <= set(labels) for labels in made):
                found.append(f"{resource['kind']} {resource['metadata']['name']} selects no pod: {wanted}")
    # The port of a probe is the name of one of the container.
    for pod in filter(None, map(_pod, resources)):
        for container in pod["spec"]["containers"]:
            ports = {port["name"] for port in container.get("ports", [])}
            probes = [container[probe]["httpGet"]["port"] for probe in ("livenessProbe", "readinessProbe") if probe in container]
            found += [f"container {container['name']} has no port {port}" for port in probes if port not in ports]
            volumes = {volume["name"] for volume in pod["spec"].get("volumes", [])}
            mounted = {mount["name"] for mount in container.get("volumeMounts", [])}
            found += [f"container {container['name']} mounts no volume {name}" for name in sorted(mounted ^ volumes)]
    return "\n".join(found)


def _pod(resource: Resource) -> Resource | None:
    template: Resource | None = resource.get("spec", {}).get("template")
    return template


def _references(resource: Resource) -> Iterator[tuple[str, str]]:
    pod = _pod(resource)
    if not pod:
        return
    yield "ServiceAccount", pod["spec"]["serviceAccountName"]
    for volume in pod["spec"].get("volumes", []):
        yield "Secret", volume["secret"]["secretName"]
    for source in (source for container in pod["spec"]["containers"] for source in container.get("envFrom", [])):
        if "secretRef" in source:
            yield "Secret", source["secretRef"]["name"]
        else:
            yield "ConfigMap", source["configMapRef"]["name"]


def _selectors(resource: Resource) -> Iterator[dict[str, str]]:
    spec = resource.get("spec", {})
    for key in ("selector", "podSelector"):
        if key in spec:
            yield spec[key]["matchLabels"]
