"""The OpenAPI schema is true: what the API really answers is what the schema says."""

from __future__ import annotations

from typing import Any

import jsonschema
import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.core.management import call_command
from django.test import Client
from drf_spectacular.generators import SchemaGenerator
from rest_framework.test import APIClient

from generation import worker
from tests.conftest import Obedient, picture_file

pytestmark = pytest.mark.django_db


@pytest.fixture(scope="module")
def schema() -> dict[str, Any]:
    return SchemaGenerator().get_schema(request=None, public=True)


def test_the_schema_is_made_without_a_warning(capsys: pytest.CaptureFixture[str]) -> None:
    call_command("spectacular", validate=True, fail_on_warn=True)
    assert "openapi: 3" in capsys.readouterr().out


def check(schema: dict[str, Any], method: str, path: str, answer: Any) -> Any:
    """The answer fits what the schema promises for its status."""
    responses = schema["paths"][path][method]["responses"]
    code = str(answer.status_code)
    promised = responses.get(code) or responses[f"{code[0]}XX"]
    body = promised["content"]["application/json"]["schema"]
    data = answer.json()
    jsonschema.validate(data, {**_nullable(body), "components": _nullable(schema["components"])})
    return data


def _nullable(node: Any) -> Any:
    """OpenAPI 3.0 says `nullable` where JSON Schema lists null among the types."""
    if isinstance(node, list):
        return [_nullable(item) for item in node]
    if not isinstance(node, dict):
        return node
    inner = {key: _nullable(value) for key, value in node.items() if key != "nullable"}
    return {"anyOf": [inner, {"type": "null"}]} if node.get("nullable") else inner


def test_every_answer_is_what_the_schema_says(
    schema: dict[str, Any], api: APIClient, provider: Obedient
) -> None:
    upload = {"file": SimpleUploadedFile("me.jpg", picture_file())}
    photo = check(schema, "post", "/api/v1/photos/", api.post("/api/v1/photos/", upload))
    ask = {"tool": "edit", "base": photo["code"], "prompt": "brighter"}
    job = check(schema, "post", "/api/v1/jobs/", api.post("/api/v1/jobs/", ask, format="json"))
    worker.work()
    at = f"/api/v1/jobs/{job['code']}/"
    done = check(schema, "get", "/api/v1/jobs/{code}/", api.get(at))
    assert done["results"]
    check(schema, "get", "/api/v1/jobs/", api.get("/api/v1/jobs/"))
    check(schema, "get", "/api/v1/photos/", api.get("/api/v1/photos/"))
    check(schema, "get", "/api/v1/quote/", api.get("/api/v1/quote/?tool=edit"))
    check(schema, "get", "/api/v1/draft/", api.get("/api/v1/draft/"))
    check(schema, "get", "/api/v1/me/", api.get("/api/v1/me/"))
    key = api.post("/api/v1/api-keys/", {"name": "x"}, format="json")
    check(schema, "post", "/api/v1/api-keys/", key)
    fit = api.get(f"/api/v1/photos/{photo['code']}/fit/")
    check(schema, "get", "/api/v1/photos/{code}/fit/", fit)


def test_every_refusal_is_in_the_schema(schema: dict[str, Any], api: APIClient) -> None:
    check(schema, "post", "/api/v1/jobs/", api.post("/api/v1/jobs/", {}, format="json"))
    missing = api.get("/api/v1/jobs/00000000-0000-4000-8000-000000000000/")
    check(schema, "get", "/api/v1/jobs/{code}/", missing)
    check(schema, "get", "/api/v1/me/", APIClient().get("/api/v1/me/"))


def test_every_operation_says_what_it_is_for(schema: dict[str, Any]) -> None:
    operations = [
        (method, path, operation)
        for path, item in schema["paths"].items()
        for method, operation in item.items()
    ]
    assert len(operations) > 20
    assert [(m, p) for m, p, o in operations if not o.get("description")] == []


def test_the_docs_open_without_inline_script(client: Client) -> None:
    page = client.get("/api/docs/")
    assert page.status_code == 200
    assert "swagger-ui" in page.content.decode()
    assert client.get("/api/schema/").status_code == 200
    assert client.get("/api/docs/?script=").status_code == 200
