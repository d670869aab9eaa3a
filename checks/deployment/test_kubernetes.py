"""That the check of the manifests finds what is not there."""

import unittest

from checks.deployment.kubernetes import problems

POD = {
    "metadata": {"labels": {"app": "postrider"}},
    "spec": {
        "serviceAccountName": "postrider", "volumes": [{"name": "keys", "secret": {"secretName": "keys"}}],
        "containers": [{
            "name": "worker", "envFrom": [{"configMapRef": {"name": "settings"}}, {"secretRef": {"name": "database"}}],
            "ports": [{"name": "health", "containerPort": 8080}], "livenessProbe": {"httpGet": {"port": "health"}},
            "volumeMounts": [{"name": "keys"}],
        }],
    },
}
WHOLE = [
    {"kind": "Deployment", "metadata": {"name": "worker"}, "spec": {"selector": {"matchLabels": {"app": "postrider"}}, "template": POD}},
    {"kind": "NetworkPolicy", "metadata": {"name": "worker"}, "spec": {"podSelector": {"matchLabels": {"app": "postrider"}}}},
    *({"kind": kind, "metadata": {"name": name}} for kind, name in (
        ("ServiceAccount", "postrider"), ("Secret", "keys"), ("ConfigMap", "settings"), ("Secret", "database"))),
]


class References(unittest.TestCase):
    def test_whole(self) -> None:
        self.assertEqual(problems(WHOLE, set()), "")

    def test_each_that_is_missing_is_named(self) -> None:
        for missing in WHOLE[2:]:
            rest = [resource for resource in WHOLE if resource is not missing]
            self.assertEqual(problems(rest, set()), f"there is no {missing['kind']} {missing['metadata']['name']}")
            self.assertEqual(problems(rest, {(missing["kind"], missing["metadata"]["name"])}), "")

    def test_what_is_left_out_and_there(self) -> None:
        self.assertIn("but it is there", problems(WHOLE, {("Secret", "keys")}))

    def test_left_out_and_not_named(self) -> None:
        self.assertIn("no resource names", problems(WHOLE, {("Secret", "other")}))

    def test_a_selector_that_selects_nothing(self) -> None:
        policy = {"kind": "NetworkPolicy", "metadata": {"name": "x"}, "spec": {"podSelector": {"matchLabels": {"app": "other"}}}}
        self.assertIn("selects no pod", problems([*WHOLE, policy], set()))
