"""The objects that `kubectl apply -k` would send, against the schemas of the API and against each other."""

import re

import kubernetes_validate
import pytest

from tests.deploy.manifests import DEPLOY, blueprint, built, yaml_documents
from tests.processes import REPOSITORY

OVERLAYS = ("managed-redis", "sentinel")
VERSIONS = ("1.30", "1.37")
"""The first with a pause before a stop that needs no shell, and the newest that there are schemas of."""
SERVICES = ("backend", "broker", "proxy")

PROBES = ("startup", "readiness", "liveness")

every_overlay = pytest.mark.parametrize("overlay", OVERLAYS)


def pods(overlay):
    """The pod of each Deployment and StatefulSet, by name."""
    return {
        name: one["spec"]["template"]["spec"]
        for (kind, name), one in built(overlay).items()
        if kind in ("Deployment", "StatefulSet")
    }


@every_overlay
@pytest.mark.parametrize("version", VERSIONS)
def test_every_object_is_as_the_api_has_it(overlay, version):
    for one in built(overlay).values():
        kubernetes_validate.validate(one, version, strict=True)


def test_a_mistake_would_be_seen():
    wrong = {**built("sentinel")["Service", "broker"], "spec": {"selectors": {}}}
    with pytest.raises(kubernetes_validate.ValidationError):
        kubernetes_validate.validate(wrong, VERSIONS[0], strict=True)


@every_overlay
def test_there_are_two_of_each_and_one_stays(overlay):
    objects = built(overlay)
    for name in SERVICES:
        deployment = objects["Deployment", name]
        assert deployment["spec"]["replicas"] == 2
        assert deployment["spec"]["strategy"]["rollingUpdate"]["maxUnavailable"] == 0
        budget = objects["PodDisruptionBudget", name]["spec"]
        assert budget["minAvailable"] == 1
        labels = deployment["spec"]["template"]["metadata"]["labels"]
        assert budget["selector"]["matchLabels"].items() <= labels.items()
        assert objects["Service", name]["spec"]["selector"].items() <= labels.items()


@every_overlay
def test_every_container_is_restricted(overlay):
    """The Pod Security Standard `restricted`, which the namespace asks for."""
    namespace = built(overlay)["Namespace", "chatgate"]
    assert namespace["metadata"]["labels"]["pod-security.kubernetes.io/enforce"] == "restricted"
    for pod in pods(overlay).values():
        assert pod["automountServiceAccountToken"] is False
        assert pod["securityContext"]["runAsNonRoot"] is True
        assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
        assert not {"hostNetwork", "hostPID", "hostIPC"} & pod.keys()
        for volume in pod.get("volumes", []):
            assert volume.keys() - {"name"} <= {"configMap", "secret", "emptyDir"}
        for container in pod["containers"]:
            context = container["securityContext"]
            assert context["allowPrivilegeEscalation"] is False
            assert context["readOnlyRootFilesystem"] is True
            assert context["capabilities"] == {"drop": ["ALL"]}
            assert container["resources"]["limits"]["memory"]
            assert not [port for port in container.get("ports", []) if "hostPort" in port]


@every_overlay
def test_named_config_maps_and_secrets_are_there(overlay):
    """ConfigMaps with the files that containers read; of Secrets the names that docs/deploying.md makes."""
    objects = built(overlay)
    document = (REPOSITORY / "docs" / "deploying.md").read_text()
    for pod in pods(overlay).values():
        for volume in pod["volumes"]:
            if "configMap" in volume:
                assert ("ConfigMap", volume["configMap"]["name"]) in objects
            if "secret" in volume:
                assert f"secret generic {volume['secret']['secretName']} " in document
        for container in pod["containers"]:
            mounted = {one["mountPath"]: one["name"] for one in container["volumeMounts"]}
            for path in re.findall(r"/etc/\S+", " ".join(container["command"])):
                folder, _, file = path.rpartition("/")
                volume = next(one for one in pod["volumes"] if one["name"] == mounted[folder])
                assert file in objects["ConfigMap", volume["configMap"]["name"]]["data"]


@every_overlay
def test_the_proxy_is_scaled_by_its_own_metric_and_by_its_cpu(overlay):
    spec = built(overlay)["HorizontalPodAutoscaler", "proxy"]["spec"]
    named = {
        one["type"]: one["pods"]["metric"]["name"] if "pods" in one else one["resource"]["name"]
        for one in spec["metrics"]
    }
    assert named == {"Pods": "chatgate_answers_open", "Resource": "cpu"}
    assert spec["minReplicas"] == 2
    assert f"`{named['Pods']}` | gauge" in (REPOSITORY / "docs" / "metrics.md").read_text()
    [adapter] = yaml_documents((DEPLOY / "kubernetes" / "prometheus-adapter.yaml").read_text())
    assert [rule["name"]["as"] for rule in adapter["rules"]["custom"]] == [named["Pods"]]
    # One container without a request, and the utilization of its pod is not known.
    for container in pods(overlay)["proxy"]["containers"]:
        assert container["resources"]["requests"]["cpu"]


@every_overlay
@pytest.mark.parametrize("name", ["broker", "proxy"])
def test_an_outage_of_redis_takes_no_pod_from_the_readers(overlay, name):
    [container] = [one for one in pods(overlay)[name]["containers"] if one["name"] == name]
    paths = {probe: container[f"{probe}Probe"]["httpGet"]["path"] for probe in PROBES}
    assert paths == {"startup": "/readyz", "readiness": "/healthz", "liveness": "/healthz"}


class Policies:
    """The NetworkPolicies, asked which pod may reach which other one."""

    def __init__(self, overlay):
        self.all = [one["spec"] for (kind, _), one in built(overlay).items() if kind == "NetworkPolicy"]

    def allow(self, source, target, port):
        """Each is the label of a pod here, or `namespace/` and a namespace's name."""
        leaves = "/" in source or self._some("Egress", source, target, port)
        enters = "/" in target or self._some("Ingress", target, source, port)
        return leaves and enters

    def _some(self, kind, pod, other, port):
        key, side = ("egress", "to") if kind == "Egress" else ("ingress", "from")
        concerned = [
            one for one in self.all if kind in one["policyTypes"] and _matches(one["podSelector"], pod)
        ]
        assert concerned, f"{pod} is open"
        return any(
            port in [one["port"] for one in rule.get("ports", [{"port": port}])]
            and (side not in rule or any(_is(peer, other) for peer in rule[side]))
            for one in concerned
            for rule in one.get(key, [])
        )


def _is(peer, other):
    if "namespaceSelector" in peer:
        wanted = peer["namespaceSelector"]["matchLabels"]["kubernetes.io/metadata.name"]
        return other == f"namespace/{wanted}"
    return "/" not in other and _matches(peer["podSelector"], other)


def _matches(selector, name):
    wanted = selector.get("matchLabels", {}).get("app.kubernetes.io/name")
    among = [values for one in selector.get("matchExpressions", []) for values in one["values"]]
    return (wanted is None or wanted == name) and (not among or name in among)


EDGE, PROMETHEUS, DNS = "namespace/ingress-nginx", "namespace/monitoring", "namespace/kube-system"
ELSEWHERE = "namespace/elsewhere"


@every_overlay
def test_pods_reach_each_other_where_they_have_to_and_nowhere_else(overlay):
    policies = Policies(overlay)
    wanted = {
        (EDGE, "broker", 8000),
        (EDGE, "proxy", 8001),
        (PROMETHEUS, "broker", 9100),
        (PROMETHEUS, "proxy", 9100),
        ("proxy", "broker", 8000),
        ("proxy", "backend", 8002),
        ("broker", ELSEWHERE, 5432),
        *((name, DNS, 53) for name in SERVICES),
    }
    pods_here = [*SERVICES]
    if overlay == "sentinel":
        pods_here.append("redis")
        wanted |= {("redis", DNS, 53)}
        wanted |= {(one, "redis", port) for one in ("broker", "proxy", "redis") for port in (6379, 26379)}
    else:
        wanted |= {(one, ELSEWHERE, port) for one in ("broker", "proxy") for port in (6379, 6380)}
    everybody = [*pods_here, EDGE, PROMETHEUS, DNS, ELSEWHERE]
    ports = (53, 443, 5432, 6379, 6380, 8000, 8001, 8002, 9000, 9001, 9100, 26379)
    found = {
        (source, target, port)
        for source in everybody
        for target in everybody
        for port in ports
        if source != target and not ("/" in source and "/" in target) and policies.allow(source, target, port)
    }
    # The ports of Postgres and Redis lead anywhere, so into these namespaces as well.
    anywhere = {("broker", 5432), ("broker", 6379), ("broker", 6380), ("proxy", 6379), ("proxy", 6380)}
    found -= {
        (source, target, port)
        for source, target, port in found
        if (source, port) in anywhere and target != ELSEWHERE and "/" in target
    }
    assert found == wanted - {("redis", "redis", 6379), ("redis", "redis", 26379)}


def test_a_sign_out_is_with_every_replica_that_may_become_the_master():
    replicas = built("sentinel")["StatefulSet", "redis"]["spec"]["replicas"] - 1
    for name in ("broker", "proxy"):
        [container] = [one for one in pods("sentinel")[name]["containers"] if one["name"] == name]
        environ = {one["name"]: one["value"] for one in container["env"]}
        assert environ["CHATGATE_REDIS_WAIT_REPLICAS"] == str(replicas)


def test_every_redis_throws_nothing_away():
    sentinel = (DEPLOY / "kubernetes" / "sentinel" / "redis.conf").read_text()
    machine = (DEPLOY / "systemd" / "redis.conf").read_text()
    fly = (DEPLOY / "fly" / "redis.toml").read_text()
    for text in (sentinel, machine, fly):
        assert "maxmemory-policy noeviction" in text
    [redis] = [one for one in blueprint()["services"] if one["type"] == "keyvalue"]
    assert redis["maxmemoryPolicy"] == "noeviction"
