"""Keys for REST clients: shown once, kept as a hash, gone when revoked."""

from __future__ import annotations

from typing import Any

import pytest
from django.core.management import CommandError, call_command
from rest_framework.test import APIClient

from telegram_integration.models import ApiKey, User

pytestmark = pytest.mark.django_db


def me(key: str) -> Any:
    return APIClient().get("/api/v1/me/", headers={"Authorization": f"Bearer {key}"})


def test_a_key_opens_the_api(person: User) -> None:
    _row, text = ApiKey.make(person, "laptop")
    assert me(text).data["name"] == "ann"


def test_only_its_hash_is_kept(person: User) -> None:
    row, text = ApiKey.make(person, "laptop")
    kept = " ".join(str(value) for value in ApiKey.objects.filter(pk=row.pk).values()[0].values())
    assert text not in kept
    assert text[12:] not in kept


def test_a_wrong_key_is_an_error_even_with_a_session(person: User) -> None:
    client = APIClient()
    client.force_login(person)
    answer = client.get("/api/v1/me/", headers={"Authorization": "Bearer studio_wrong"})
    assert (answer.status_code, answer.data["error"]["code"]) == (401, "not_signed_in")
    assert answer["WWW-Authenticate"] == "Bearer"


def test_a_key_is_made_listed_and_revoked(api: APIClient) -> None:
    made = api.post("/api/v1/api-keys/", {"name": "laptop"}, format="json")
    assert made.status_code == 201
    (listed,) = api.get("/api/v1/api-keys/").data["results"]
    assert "key" not in listed
    assert made.data["key"].startswith(listed["start"])
    assert me(made.data["key"]).status_code == 200
    assert api.delete(f"/api/v1/api-keys/{listed['code']}/").status_code == 204
    assert me(made.data["key"]).status_code == 401


def test_a_strangers_key_cannot_be_revoked(api: APIClient, stranger: User) -> None:
    row, text = ApiKey.make(stranger, "theirs")
    assert api.delete(f"/api/v1/api-keys/{row.code}/").status_code == 404
    assert me(text).status_code == 200


def test_a_key_of_a_closed_account_opens_nothing(person: User) -> None:
    _row, text = ApiKey.make(person, "laptop")
    User.objects.update(is_active=False)
    assert me(text).status_code == 401


def test_the_command_prints_a_key_that_works(
    person: User, capsys: pytest.CaptureFixture[str]
) -> None:
    call_command("api_key", "ann")
    assert me(capsys.readouterr().out.strip()).status_code == 200


def test_the_command_knows_only_people_who_are_there(db: None) -> None:
    with pytest.raises(CommandError, match="no user nobody"):
        call_command("api_key", "nobody")
