"""The manifests, against Kubernetes' own schemas, our settings and a real database."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import kubernetes_validate
import pytest
import yaml
from django.conf import settings
from django.db import connection

from generation import photos, studio
from generation.models import Job
from telegram_integration.models import User
from tests.conftest import Obedient, make_person
from tests.pictures import picture_file

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / "docker" / "k8s"
FILES = sorted(FOLDER.glob("*.yaml"))
VERSION = "1.33"
FOREIGN = ("keda.sh", "kustomize")


def documents() -> Iterator[tuple[str, dict[str, Any]]]:
    for file in FILES:
        for document in yaml.safe_load_all(file.read_text()):
            yield f"{file.stem}-{document['kind']}", document


KNOWN = [(name, one) for name, one in documents() if not one["apiVersion"].startswith(FOREIGN)]


def pods() -> Iterator[tuple[str, dict[str, Any]]]:
    for name, document in documents():
        if document["kind"] in ("Deployment", "Job"):
            yield name, document["spec"]["template"]["spec"]


@pytest.mark.parametrize("document", [pytest.param(one, id=name) for name, one in KNOWN])
def test_kubernetes_would_take_it(document: dict[str, Any]) -> None:
    kubernetes_validate.validate(document, VERSION, strict=True)


def test_a_mistake_would_be_found() -> None:
    wrong = {"apiVersion": "apps/v1", "kind": "Deployment", "spec": {"replica": 1}}
    with pytest.raises(kubernetes_validate.ValidationError):
        kubernetes_validate.validate(wrong, VERSION, strict=True)


def test_every_file_is_applied_or_says_why_not() -> None:
    kustomization = yaml.safe_load((FOLDER / "kustomization.yaml").read_text())
    apart = {"kustomization.yaml", "secrets.example.yaml", "migrate.yaml"}
    assert {file.name for file in FILES} - apart == set(kustomization["resources"])


def test_no_pod_is_root_or_writes_where_it_should_not() -> None:
    for name, pod in pods():
        assert pod["securityContext"]["runAsNonRoot"] is True, name
        for container in pod["containers"]:
            guard = container["securityContext"]
            assert guard["allowPrivilegeEscalation"] is False, name
            assert guard["capabilities"] == {"drop": ["ALL"]}, name
            assert guard.get("readOnlyRootFilesystem") or "pooler" in name, name
            assert container["resources"]["limits"]["memory"], name


def test_every_role_is_one_of_the_image_and_every_queue_is_served() -> None:
    roles = set(re.findall(r"^    (\w+)\)$", (ROOT / "docker" / "role").read_text(), re.M))
    asked = [c["args"] for _name, pod in pods() for c in pod["containers"] if "args" in c]
    assert {one[0] for one in asked} == roles - {"studio"}
    served = {queue for one in asked if one[0] == "worker" for queue in one[1].split(",")}
    assert served == {queue.name for queue in settings.CELERY_TASK_QUEUES}


def test_every_setting_that_they_name_is_one_of_ours() -> None:
    ours = set(re.findall(r"^#(\w+)=", (ROOT / ".env.example").read_text(), re.M))
    named = {key for _name, one in documents() if one["kind"] == "ConfigMap" for key in one["data"]}
    secrets = {one["metadata"]["name"]: one["stringData"] for _name, one in documents()
               if one["kind"] == "Secret"}  # fmt: skip
    assert named | set(secrets["studio"]) <= ours
    assert set(secrets["studio-owner"]) == {"DATABASE_URL", "SCALER_URL"}


@pytest.mark.django_db
@pytest.mark.skipif(connection.vendor != "postgresql", reason="the scaler asks PostgreSQL")
def test_the_scaler_counts_what_can_go_on_now(
    provider: Obedient, person: User, photo_of: Callable[..., Any]
) -> None:
    assert asked() == 0
    busy = make_person("busy")
    base = photos.ingest(busy.pk, picture_file("coral"))
    for number in range(4):
        studio.edit(busy.pk, base=base, prompt=f"warmer {number}")
    assert asked() == 2, "one person's many jobs count as the two that they may run"
    studio.edit(person.pk, base=photo_of(person), prompt="colder")
    assert asked() == 3
    Job.objects.all().delete()


def asked() -> int:
    (scaled,) = [one for _name, one in documents() if one["kind"] == "ScaledObject"]
    with connection.cursor() as cursor:
        cursor.execute(scaled["spec"]["triggers"][0]["metadata"]["query"])
        return int(cursor.fetchone()[0])
