"""How the providers are: asked over real HTTP, told in one word, with what to do about it."""

from __future__ import annotations

import io
import logging
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import timedelta as td
from typing import Any

import pytest
from django.core.management import call_command
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from generation import checkup, studio, tasks
from generation.checkup import Condition, Finding
from generation.models import Alert, Attempt, ProviderSetting, Route
from telegram_integration.models import User
from tests.vendors import chat as chat_stub
from tests.vendors import gemini as gemini_stub
from tests.vendors import kie as kie_stub
from tests.vendors import openai as openai_stub
from tests.vendors import openrouter as openrouter_stub
from tests.vendors.automatic1111 import Automatic1111Stub
from tests.vendors.comfyui import ComfyUIStub
from tests.vendors.stub import HANG, HTML, RESET, Answer, Stub

pytestmark = pytest.mark.django_db

CREDIT, KEY_PATH, CHECKPOINTS = "/api/v1/chat/credit", "/api/v1/key", "/sdapi/v1/sd-models"
GRAPH = {"6": {"class_type": "CLIPTextEncode", "inputs": {"text": ""}},
         "9": {"class_type": "SaveImage", "inputs": {}}}  # fmt: skip
WORKFLOW = {"graph": GRAPH, "inputs": {"prompt": ["6", "text"]}, "outputs": ["9"]}
# stub, its key, where its API begins, the options to use it with
VENDORS: dict[str, tuple[Callable[[], Stub], str, str, dict[str, Any]]] = {
    "kie": (kie_stub.KieStub, kie_stub.KEY, "", {}),
    "openrouter": (openrouter_stub.OpenRouterStub, openrouter_stub.KEY, "/api/v1", {}),
    "openai": (
        openai_stub.OpenAIStub, openai_stub.KEY, "/v1",
        {"models": dict.fromkeys(("tryon", "edit", "imagine"), "gpt-image-2")},
    ),
    "gemini": (gemini_stub.GeminiStub, gemini_stub.KEY, "/v1beta", {}),
    "chat": (chat_stub.ChatStub, chat_stub.KEY, chat_stub.PREFIX, {}),
    "automatic1111": (Automatic1111Stub, "", "", {"models": {"edit": "dreamer-8"}}),
    "comfyui": (ComfyUIStub, "", "", {"workflows": {"imagine": WORKFLOW}}),
}  # fmt: skip
# What the harmless question of each asks for, where its stub does not know it by itself.
KNOWN = {
    "openrouter": {KEY_PATH: Answer(200, {"data": {"limit_remaining": 12.345}})},
    "automatic1111": {CHECKPOINTS: Answer(200, [{"title": "dreamer-8.safetensors [ab12]"}])},
    "comfyui": {"/system_stats": Answer(200, {"system": {"comfyui_version": "0.3.64"}})},
}
FIRST_QUESTION = {
    "kie": CREDIT, "openrouter": KEY_PATH, "openai": openai_stub.MODELS,
    "gemini": gemini_stub.LIST, "chat": "/v1/models", "automatic1111": CHECKPOINTS,
    "comfyui": "/system_stats",
}  # fmt: skip

Vendor = Callable[[str], Stub]


@pytest.fixture
def vendor(settings: Any) -> Iterator[Vendor]:
    """Sets up one provider with its stub behind it; pictures from words are routed to it."""
    settings.PROVIDER, settings.PROVIDER_KEYS = "", dict.fromkeys(settings.PROVIDER_KEYS, "")
    Route.objects.all().delete()
    with ExitStack() as stack:

        def set_up(name: str) -> Stub:
            make, key, prefix, options = VENDORS[name]
            stub = stack.enter_context(make())
            settings.PROVIDER_KEYS = {**settings.PROVIDER_KEYS, name: key}
            row = ProviderSetting.objects.get(name=name)
            row.base_url, row.options = stub.url + prefix, options
            row.save()
            Route.objects.create(tool="imagine", provider=row)
            return stub

        yield set_up


@pytest.fixture
def hasty(monkeypatch: pytest.MonkeyPatch) -> None:
    limits = {"connect_seconds": 0.3, "read_seconds": 0.3}
    monkeypatch.setattr(checkup, "LIMITS", limits)


@pytest.fixture
def staff(client: Client) -> Client:
    client.force_login(User.objects.create_superuser("staff"))
    return client


def well(name: str, stub: Stub) -> Stub:
    for path, answer in KNOWN.get(name, {}).items():
        stub.script(path, answer)
    return stub


def found(name: str) -> Finding:
    return next(finding for finding in checkup.look() if finding.name == name)


def said(*arguments: str) -> tuple[str, int]:
    out, code = io.StringIO(), 0
    try:
        call_command("providers", *arguments, stdout=out)
    except SystemExit as ended:
        code = ended.code
    return out.getvalue(), code


@pytest.mark.parametrize("name", VENDORS)
def test_a_vendor_that_answers_is_ok_and_nothing_was_ordered(vendor: Vendor, name: str) -> None:
    stub = well(name, vendor(name))
    finding = found(name)
    assert (finding.condition, finding.detail.partition(" ")[0]) in (
        (Condition.OK, ""), (Condition.OK, "ComfyUI"),
    )  # fmt: skip
    assert (finding.fix, finding.is_broken) == ("", False)
    assert {request.method for request in stub.asked} == {"GET"}


@pytest.mark.parametrize(("name", "credits"), [("kie", "3 credits"), ("openrouter", "$12.34")])
def test_what_the_account_holds_is_told(vendor: Vendor, name: str, credits: str) -> None:
    stub = well(name, vendor(name))
    if name == "kie":
        stub.script(CREDIT, kie_stub.said(200, "success", 3))
    assert found(name).credits == credits


def test_without_a_limit_of_its_own_the_key_spends_the_account(vendor: Vendor) -> None:
    stub = vendor("openrouter")
    stub.script(KEY_PATH, Answer(200, {"data": {"limit_remaining": None}}))
    stub.script("/api/v1/credits", Answer(200, {"data": {"total_credits": 5, "total_usage": 5.5}}))
    assert found("openrouter").condition == Condition.NO_CREDITS


def test_a_key_that_may_not_ask_for_the_account_is_still_ok(vendor: Vendor) -> None:
    stub = vendor("openrouter")
    stub.script(KEY_PATH, Answer(200, {"data": {"limit_remaining": None}}))
    stub.script("/api/v1/credits", openrouter_stub.wrong(403, "management keys only"))
    finding = found("openrouter")
    assert (finding.condition, finding.credits) == (Condition.OK, "")


@pytest.mark.parametrize("name", VENDORS)
@pytest.mark.parametrize(
    ("behaviour", "condition"),
    [
        (Answer(401, {"error": {"code": 401, "message": "key"}}), Condition.MISCONFIGURED),
        (Answer(402, {"error": {"code": 402, "message": "pay"}}), Condition.NO_CREDITS),
        (Answer(429, {"error": {"code": 429, "message": "slow"}}), Condition.SLOW),
        (Answer(503, {"error": {"code": 503, "message": "away"}}), Condition.UNREACHABLE),
        (HTML, Condition.UNREACHABLE),
        (RESET, Condition.UNREACHABLE),
        (HANG, Condition.UNREACHABLE),
    ],
    ids=["401", "402", "429", "503", "html", "reset", "hang"],
)
@pytest.mark.usefixtures("hasty")
def test_what_is_wrong_is_one_word_and_one_fix(
    vendor: Vendor, name: str, behaviour: Any, condition: Condition
) -> None:
    vendor(name).script(FIRST_QUESTION[name], behaviour)
    finding = found(name)
    assert finding.condition == condition
    assert finding.fix
    assert finding.is_broken == (condition != Condition.SLOW)


@pytest.mark.parametrize("name", ["openrouter", "openai", "gemini", "automatic1111"])
def test_a_model_that_is_no_longer_listed_is_named(vendor: Vendor, name: str) -> None:
    well(name, vendor(name))
    row = ProviderSetting.objects.get(name=name)
    row.options = {"models": {"imagine": "dream-1"}}
    row.save()
    finding = found(name)
    assert (finding.condition, finding.is_broken) == (Condition.RETIRED, True)
    assert "dream-1" in finding.missing


def test_nobody_listens_there(vendor: Vendor) -> None:
    vendor("kie")
    ProviderSetting.objects.filter(name="kie").update(base_url="http://127.0.0.1:9")
    finding = found("kie")
    assert (finding.condition, finding.detail) == (Condition.UNREACHABLE, "ConnectError")


@pytest.mark.parametrize(
    "options",
    [{"flavour": "unheard of"}, {"models": 7}, {"hosts": 7}, {"read_seconds": "x", "models": [1]}],
    ids=["flavour", "models", "hosts", "list"],
)
def test_options_that_break_the_adapter_are_its_own_trouble(
    vendor: Vendor, options: dict[str, Any]
) -> None:
    vendor("openai")
    ProviderSetting.objects.filter(name="openai").update(options=options)
    assert found("openai").condition == Condition.MISCONFIGURED


def test_a_workflow_that_cannot_be_read_is_told_before_the_first_order(vendor: Vendor) -> None:
    vendor("comfyui")
    broken = {"workflows": {"imagine": {"graph": {}, "inputs": {"prompt": ["6", "text"]}}}}
    ProviderSetting.objects.filter(name="comfyui").update(options=broken)
    assert found("comfyui").condition == Condition.MISCONFIGURED


def test_one_that_is_switched_off_or_not_set_up_is_not_asked(vendor: Vendor, settings: Any) -> None:
    stub = vendor("kie")
    ProviderSetting.objects.filter(name="kie").update(enabled=False)
    off = found("kie")
    assert (off.condition, off.is_broken) == (Condition.SWITCHED_OFF, False)
    ProviderSetting.objects.filter(name="kie").update(enabled=True, base_url="")
    settings.PROVIDER_KEYS = {**settings.PROVIDER_KEYS, "kie": ""}
    bare = found("kie")
    assert (bare.condition, bare.is_broken) == (Condition.NOT_SET_UP, True)
    assert stub.asked == []


def orders(person: User, *outcomes: str, seconds: float = 20, ago: float = 60) -> None:
    job = studio.imagine(person.pk, prompt="a sea")
    began = timezone.now() - td(seconds=ago)
    for outcome in outcomes:
        Attempt.objects.create(
            job=job, provider="kie", outcome=outcome, started_at=began,
            ended_at=began + td(seconds=seconds),
        )  # fmt: skip


def test_the_last_hour_counts_what_was_the_providers_own(vendor: Vendor, person: User) -> None:
    vendor("kie")
    orders(person, "done", "done", "done", "transient", "policy", "invalid_input", "lost")
    orders(person, "transient", ago=4000)
    finding = found("kie")
    assert (finding.orders, finding.done, finding.success) == (4, 3, 75)
    assert finding.order_seconds == 20
    assert finding.condition == Condition.OK


def test_one_whose_pictures_take_minutes_is_slow(vendor: Vendor, person: User) -> None:
    vendor("kie")
    orders(person, "done", seconds=checkup.SLOW_ORDER_SECONDS + 1, ago=600)
    finding = found("kie")
    assert (finding.condition, finding.is_broken) == (Condition.SLOW, False)


def test_one_whose_breaker_is_open_is_resting(vendor: Vendor, person: User) -> None:
    vendor("kie")
    orders(person, *["transient"] * 6, seconds=1, ago=2)
    assert found("kie").condition == Condition.RESTING


def test_one_that_never_ends_does_not_hold_up_the_others(
    vendor: Vendor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(checkup, "PATIENCE_SECONDS", 0.5)
    vendor("kie").script(CREDIT, HANG)
    well("gemini", vendor("gemini"))
    conditions = {finding.name: finding.condition for finding in checkup.look()}
    assert conditions["kie"] == Condition.UNREACHABLE
    assert conditions["gemini"] == Condition.OK


def test_the_command_says_it_all_and_ends_well(vendor: Vendor) -> None:
    vendor("kie")
    text, code = said()
    (line,) = [line for line in text.splitlines() if line.startswith("kie ")]
    assert line.split()[:5] == ["kie", "ok", "yes", "yes", "imagine"]
    assert code == 0
    assert f"gemini: {checkup.FIXES[Condition.NOT_SET_UP]}" in text


def test_the_command_fails_where_people_would_order_in_vain(vendor: Vendor) -> None:
    vendor("kie").script(CREDIT, kie_stub.said(200, "success", 0))
    text, code = said()
    assert code == 1
    assert f"kie: {checkup.FIXES[Condition.NO_CREDITS]} (no credits are left)" in text
    Route.objects.all().delete()
    vendor_row = ProviderSetting.objects.get(name="kie")
    vendor_row.base_url = "http://127.0.0.1:9"
    vendor_row.save()
    assert said()[1] == 0


def test_the_only_provider_counts_as_routed(vendor: Vendor, settings: Any) -> None:
    vendor("kie").script(CREDIT, kie_stub.said(401, "key"))
    Route.objects.all().delete()
    settings.PROVIDER = "kie"
    assert said()[1] == 1


def test_no_key_is_ever_shown(vendor: Vendor, staff: Client) -> None:
    stub = vendor("kie")
    for _question in range(2):
        stub.script(CREDIT, kie_stub.said(401, f"bad key {kie_stub.KEY}"))
    assert kie_stub.KEY not in said()[0]
    page = staff.post(reverse("admin:generation_providersetting_checkup")).content.decode()
    assert "bad key …" in page


def test_the_page_asks_only_when_told_to(vendor: Vendor, staff: Client) -> None:
    stub = vendor("kie")
    address = reverse("admin:generation_providersetting_checkup")
    assert "kie" in staff.get(address).content.decode()
    assert stub.asked == []
    page = staff.post(address).content.decode()
    assert len(stub.asked) == 1
    assert "credits" in page
    listing = staff.get(reverse("admin:generation_providersetting_changelist"))
    assert address in listing.content.decode()


def test_the_page_needs_the_right_to_look(client: Client) -> None:
    client.force_login(User.objects.create_user("helper", is_staff=True))
    address = reverse("admin:generation_providersetting_checkup")
    assert (client.get(address).status_code, client.post(address).status_code) == (403, 403)


def test_at_start_a_retired_model_raises_an_alert_that_goes_again(
    vendor: Vendor, caplog: pytest.LogCaptureFixture
) -> None:
    stub = vendor("gemini")
    stub.served = ["gemini-3-pro-image"]
    checkup.look_after()
    alert = Alert.objects.get()
    assert (alert.key, alert.cleared_at) == ("provider:gemini:retired", None)
    assert gemini_stub.MODEL in alert.text
    warnings = [record for record in caplog.records if record.levelno == logging.WARNING]
    assert any(gemini_stub.MODEL in record.getMessage() for record in warnings)
    stub.served = list(gemini_stub.SERVED)
    checkup.look_after()
    alert.refresh_from_db()
    assert alert.cleared_at is not None


@pytest.mark.usefixtures("hasty")
def test_at_start_a_vendor_that_cannot_be_asked_changes_nothing(vendor: Vendor) -> None:
    stub = vendor("gemini")
    Alert.objects.create(key="provider:gemini:retired", text="gone")
    stub.script(gemini_stub.LIST, RESET)
    checkup.look_after()
    assert Alert.objects.get().cleared_at is None


def test_at_start_only_those_who_get_orders_are_asked(vendor: Vendor) -> None:
    stub = vendor("gemini")
    Route.objects.all().delete()
    checkup.look_after()
    assert stub.asked == []


def test_a_start_never_fails_over_it(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def broken() -> None:
        raise RuntimeError("no table yet")

    monkeypatch.setattr(checkup, "look_after", broken)
    monkeypatch.setattr(tasks.connection, "close", lambda: None)
    tasks._look_after_providers()
    assert "the models could not be looked up" in caplog.text


@pytest.mark.parametrize(
    ("left", "least", "is_told", "kept"),
    [(3, 5, True, 3), (3, 2, False, 3), (3, 0, False, 3), (0, 5, False, 0)],
)
def test_an_account_that_runs_low_is_told_before_it_is_empty(
    vendor: Vendor, left: int, least: int, is_told: bool, kept: int
) -> None:
    """Empty is an alert of its own."""
    stub = vendor("kie")
    stub.script("/api/v1/chat/credit", *[Answer(200, {"code": 200, "data": left})] * 2)
    ProviderSetting.objects.filter(name="kie").update(low_balance=least)
    checkup.look_after()
    checkup.look_after()
    low = Alert.objects.filter(key="provider:kie:low_balance", cleared_at=None)
    assert list(low.values_list("times", flat=True)) == [1] * is_told
    assert Alert.objects.filter(key="provider:kie:no_credits").exists() is (left == 0)
    assert ProviderSetting.objects.get(name="kie").balance == kept


def test_an_account_that_was_filled_up_closes_its_alert(vendor: Vendor) -> None:
    stub = vendor("kie")
    ProviderSetting.objects.filter(name="kie").update(low_balance=5)
    for left in (3, 30):
        stub.script("/api/v1/chat/credit", Answer(200, {"code": 200, "data": left}))
        checkup.look_after()
    assert Alert.objects.get().cleared_at is not None
