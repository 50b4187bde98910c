"""Pods of deploy/kubernetes as containers of an engine: image, command, environment, files, user and limits.

A pod's containers share a network, as there. A Service is a name that all of its pods have; one of a single
pod is an address that stays. Volumes are folders of the test's, with the owner and the mode that the manifest
says.
"""

import json
import os
import shutil
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx

from tests.compose.engine import Docker

PATIENCE_S = 90
SINGLE_POD = "statefulset.kubernetes.io/pod-name"


@dataclass
class Pod:
    """`spec` is that of the template, `number` the replica's. Its first container has the network."""

    docker: Docker
    name: str
    number: int
    spec: dict[str, Any]
    containers: list[str] = field(default_factory=list)
    address: str = ""

    @property
    def hostname(self) -> str:
        return f"{self.name}-{self.number}"

    def container(self, name: str) -> str:
        return f"pod-{self.hostname}-{name}"

    def start(self) -> None:
        """Again, where it was stopped: its volumes are as they were."""
        for one in self.containers:
            self.docker("start", one)
        found = json.loads(self.docker("inspect", self.containers[0]))[0]["NetworkSettings"]["Networks"]
        self.address = next(iter(found.values()))["IPAddress"]

    def kill(self) -> None:
        self.docker("kill", *self.containers)

    def stop(self) -> list[str]:
        """As the kubelet does, after the pause that the manifest has; the exit code of each container."""
        seconds = self.spec["terminationGracePeriodSeconds"]
        self.docker("stop", "--time", str(seconds), *reversed(self.containers), timeout=seconds + 30)
        return [
            self.docker("inspect", "--format", "{{.State.ExitCode}}", one).strip() for one in self.containers
        ]

    def url(self, port: int) -> str:
        return f"http://{self.address}:{port}"

    def is_ready(self) -> bool:
        probes = ("startupProbe", "readinessProbe", "livenessProbe")
        asked = [(one, one[probe]) for one in self.spec["containers"] for probe in probes if probe in one]
        return all(self._passes(*one) for one in asked)

    def _passes(self, container: Mapping[str, Any], probe: Mapping[str, Any]) -> bool:
        if "exec" in probe:
            command = ["exec", self.container(container["name"]), *probe["exec"]["command"]]
            return self.docker(*command, check=False).returncode == 0
        ports = {one["name"]: one["containerPort"] for one in container["ports"]}
        try:
            answer = httpx.get(
                f"{self.url(ports[probe['httpGet']['port']])}{probe['httpGet']['path']}", timeout=5
            )
        except httpx.TransportError:
            return False
        return answer.is_success

    def logs(self) -> str:
        return "\n".join(
            f"{one}:\n{done.stdout[-1500:]}{done.stderr[-1500:]}"
            for one in self.containers
            for done in [self.docker("logs", one, check=False)]
        )


class Cluster:
    """`objects` are those that `kubectl apply -k` would send, `secrets` each Secret's files by its name."""

    def __init__(
        self,
        docker: Docker,
        folder: Path,
        objects: Mapping[tuple[str, str], Any],
        secrets: Mapping[str, Any],
        network: str = "chatgate-pods",
        subnet: str = "10.213.216",
    ) -> None:
        self.docker, self.folder, self.objects, self.secrets = docker, folder, objects, secrets
        self.network, self.subnet = network, subnet
        self.gateway = f"{subnet}.1"
        self.pods: dict[str, list[Pod]] = {}

    def open(self) -> None:
        self.docker(
            "network", "create", "--subnet", f"{self.subnet}.0/24", "--gateway", self.gateway, self.network
        )

    def close(self) -> None:
        containers = [one for pods in self.pods.values() for pod in pods for one in pod.containers]
        if containers:
            self.docker("rm", "--force", "--volumes", *reversed(containers), check=False, timeout=120)
        self.docker("network", "rm", self.network, check=False)

    def run(self, kind: str, name: str, *, wait: bool = True) -> list[Pod]:
        """All replicas of a Deployment or StatefulSet."""
        spec = self.objects[kind, name]["spec"]
        made = self.pods[name] = []
        for number in range(spec["replicas"]):
            pod = Pod(self.docker, name, number, spec["template"]["spec"])
            made.append(pod)
            self._create(pod, spec.get("volumeClaimTemplates", []))
            pod.start()
        if wait:
            self.wait(name)
        return made

    def wait(self, *names: str) -> None:
        deadline = time.monotonic() + PATIENCE_S
        waiting = [pod for name in names for pod in self.pods[name]]
        while waiting := [pod for pod in waiting if not pod.is_ready()]:
            assert time.monotonic() < deadline, "\n".join(pod.logs() for pod in waiting)
            time.sleep(0.2)

    def _create(self, pod: Pod, claims: Sequence[Mapping[str, Any]]) -> None:
        volumes = self._volumes(pod, claims)
        for container in pod.spec["containers"]:
            made = pod.container(container["name"])
            if pod.containers:
                network = ["--network", f"container:{pod.containers[0]}"]
            else:
                network = ["--network", self.network, "--network-alias", pod.name]
                network += ["--hostname", pod.hostname, *self._addresses(pod.hostname)]
            command = ["create", "--pull", "never", "--name", made, *network]
            command += self._restricted(pod.spec["securityContext"], container)
            for mount in container["volumeMounts"]:
                command += _mount(volumes[mount["name"]], mount)
            for variable in container.get("env", []):
                command += ["--env", f"{variable['name']}={variable['value']}"]
            first, *rest = container["command"]
            self.docker(*command, "--entrypoint", first, container["image"], *rest)
            pod.containers.append(made)

    def _addresses(self, hostname: str) -> list[str]:
        """The pod's own where a Service is for it alone, and those of all such Services by their names."""
        kept = [
            name
            for (kind, name), one in self.objects.items()
            if kind == "Service" and SINGLE_POD in one["spec"]["selector"]
        ]
        known = {name: f"{self.subnet}.{100 + number}" for number, name in enumerate(kept)}
        words = ["--ip", known[hostname]] if hostname in known else []
        # A container's own name is in its file of hosts.
        return words + [f"--add-host={name}:{address}" for name, address in known.items() if name != hostname]

    def _restricted(self, own: Mapping[str, Any], container: Mapping[str, Any]) -> list[str]:
        context = container["securityContext"]
        assert context["readOnlyRootFilesystem"]
        assert context["capabilities"] == {"drop": ["ALL"]}
        assert not context["allowPrivilegeEscalation"]
        memory = container["resources"]["limits"]["memory"].removesuffix("i").lower()
        words = ["--user", f"{own['runAsUser']}:{own['runAsGroup']}", "--read-only", "--cap-drop", "ALL"]
        return [*words, "--security-opt", "no-new-privileges", "--memory", memory]

    def _volumes(self, pod: Pod, claims: Sequence[Mapping[str, Any]]) -> dict[str, Path | None]:
        """The folder of each volume by its name; None for one in memory."""
        own = pod.spec["securityContext"]
        found: dict[str, Path | None] = {}
        for volume in pod.spec["volumes"]:
            name = volume["name"]
            folder = self.folder / pod.hostname / name
            if "emptyDir" in volume:
                found[name] = None
                continue
            if "configMap" in volume:
                files, mode = self.objects["ConfigMap", volume["configMap"]["name"]]["data"], 0o644
            else:
                files, mode = self.secrets[volume["secret"]["secretName"]], volume["secret"]["defaultMode"]
            _fill(folder, files, mode, own["fsGroup"])
            found[name] = folder
        for claim in claims:
            folder = self.folder / pod.hostname / claim["metadata"]["name"]
            folder.mkdir(parents=True)
            shutil.chown(folder, "root", own["fsGroup"])
            folder.chmod(0o770)
            found[claim["metadata"]["name"]] = folder
        return found


def _fill(folder: Path, files: Mapping[str, str], mode: int, group: int) -> None:
    folder.mkdir(parents=True)
    folder.chmod(0o755)
    for name, text in files.items():
        (folder / name).write_text(text)
        os.chown(folder / name, 0, group)
        (folder / name).chmod(mode)


def _mount(folder: Path | None, mount: Mapping[str, Any]) -> list[str]:
    if folder is None:
        return ["--tmpfs", f"{mount['mountPath']}:size=16m,mode=1777,noexec,nosuid,nodev"]
    return ["--volume", f"{folder}:{mount['mountPath']}{':ro' if mount.get('readOnly') else ''}"]
