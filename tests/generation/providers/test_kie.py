"""kie.ai over real HTTP: what is sent, what comes back, and what each refusal means."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import time
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from generation.providers.base import Config, Done, Order, ProviderError, Waiting
from generation.providers.kie import Kie
from generation.providers.kie.callbacks import verify_callback
from tests.conftest import picture_file
from tests.vendors.kie import CREATE, KEY, RECORD, UPLOAD, KieStub, said
from tests.vendors.stub import HANG, HTML, RESET, Answer

PERSON, ITEM = picture_file("teal"), picture_file("gold", kind="PNG")
TRYON = Order("c1", "tryon", "put the coat on the person", (PERSON, ITEM), aspect="3:4")
EDIT = Order("c2", "edit", "make it night", (PERSON,))
IMAGINE = Order("c3", "imagine", "a lighthouse", aspect="16:9")


def quiet(percent: int, stage: str) -> None:
    """Nobody watches."""


@pytest.fixture
def vendor():
    with KieStub() as stub:
        yield stub
    assert stub.mistakes == []


@pytest.fixture
def kie(vendor: KieStub) -> Kie:
    return kie_at(vendor)


def kie_at(vendor: KieStub, key: str = KEY, **options: Any) -> Kie:
    usual = {
        "upload_url": vendor.url, "hosts": [vendor.url], "usd_rub": "80", "read_seconds": 0.3,
    }  # fmt: skip
    return Kie(Config(vendor.url, key, usual | options))


def only(vendor: KieStub):
    (task,) = vendor.tasks.values()
    return task


def refused(provider: Kie, order: Order = IMAGINE) -> ProviderError:
    with pytest.raises(ProviderError) as caught:
        provider.start(order, quiet)
    return caught.value


def ended(provider: Kie, order: Order = IMAGINE) -> ProviderError:
    waiting = provider.start(order, quiet)
    with pytest.raises(ProviderError) as caught:
        provider.check(waiting.ref, order, quiet)
    return caught.value


@pytest.mark.parametrize("order", [TRYON, EDIT, IMAGINE], ids=lambda order: order.tool)
def test_every_tool_goes_from_the_order_to_the_picture(vendor, kie, order):
    waiting = kie.start(order, quiet)
    done = kie.check(waiting.ref, order, quiet)
    assert only(vendor).pictures == list(order.pictures)
    assert only(vendor).input["prompt"] == order.prompt
    assert only(vendor).input["aspect_ratio"] == order.aspect
    assert done == Done((vendor.results[0],), "nano-banana-2-lite", Decimal("1.2000"))


def test_the_task_is_asked_for_again_after_three_seconds(vendor, kie):
    assert kie.start(IMAGINE, quiet) == Waiting(only(vendor).id, 3.0, 5)


@pytest.mark.parametrize(
    ("model", "name", "extra"),
    [
        ("google/nano-banana-edit", "image_urls", {"output_format": "png"}),
        ("nano-banana-pro", "image_input", {"resolution": "1K", "output_format": "png"}),
        ("nano-banana-2", "image_input", {"resolution": "1K", "output_format": "jpg"}),
        ("nano-banana-2-lite", "image_urls", {}),
    ],
)
def test_each_model_gets_the_fields_it_knows(vendor, model, name, extra):
    kie_at(vendor, models={"tryon": model}).start(TRYON, quiet)
    sent = dict(only(vendor).input)
    assert len(sent.pop(name)) == 2
    assert sent == {"prompt": TRYON.prompt, "aspect_ratio": "3:4", **extra}


def test_a_model_without_pictures_gets_no_field_for_them(vendor):
    kie_at(vendor, models={"imagine": "google/nano-banana"}).start(IMAGINE, quiet)
    assert only(vendor).input.keys() == {"prompt", "aspect_ratio", "output_format"}


def test_the_owner_may_change_a_models_fields(vendor):
    fields = {"nano-banana-pro": {"fixed": {"resolution": "4K", "output_format": "jpg"}}}
    kie_at(vendor, models={"tryon": "nano-banana-pro"}, fields=fields).start(TRYON, quiet)
    assert only(vendor).input["resolution"] == "4K"


def test_a_field_that_does_not_exist_is_for_staff_to_mend(vendor):
    error = refused(kie_at(vendor, fields={"nano-banana-2-lite": {"colour": "red"}}))
    assert error.code == "misconfigured"
    assert "colour" in error.detail


def test_the_next_model_is_taken_where_one_is_no_longer_served(vendor, kie):
    vendor.served = {"nano-banana-pro"}
    waiting = kie.start(TRYON, quiet)
    assert only(vendor).model == "nano-banana-pro"
    assert kie.check(waiting.ref, TRYON, quiet).model == "nano-banana-pro"
    assert len(vendor.names) == 2


def test_no_model_left_is_for_staff_to_mend(vendor, kie):
    vendor.served = set()
    error = refused(kie)
    assert (error.code, error.permanent, error.accepted) == ("misconfigured", True, False)


def test_uploads_never_share_a_name(vendor, kie):
    kie.start(TRYON, quiet)
    kie.start(TRYON, quiet)
    assert len(set(vendor.names)) == 4
    assert {name[-4:] for name in vendor.names} == {".jpg", ".png"}


def test_the_address_for_callbacks_is_sent_when_there_is_one(vendor, kie):
    kie.start(replace(IMAGINE, callback_url="https://studio.example/kie"), quiet)
    kie.start(IMAGINE, quiet)
    first, second = vendor.requests_to(CREATE)
    assert first.json["callBackUrl"] == "https://studio.example/kie"
    assert "callBackUrl" not in second.json


def test_several_pictures_are_several_tasks_and_all_must_be_done(vendor, kie):
    order = Order("c4", "imagine", "a lighthouse", count=3)
    waiting = kie.start(order, quiet)
    second = vendor.tasks[waiting.ref.split(",")[1]]
    second.changes = {"state": "generating"}
    assert isinstance(kie.check(waiting.ref, order, quiet), Waiting)
    second.changes = {}
    done = kie.check(waiting.ref, order, quiet)
    assert (done.pictures, done.cost) == (tuple(vendor.results[:3]), Decimal("3.6000"))


def test_half_an_order_counts_as_accepted(vendor, kie):
    vendor.script(CREATE, said(200, "success", {"taskId": "t1"}), said(429, "too many"))
    error = refused(kie, Order("c5", "imagine", "a lighthouse", count=2))
    assert (error.code, error.accepted) == ("rate_limited", True)


@pytest.mark.parametrize("state", ["waiting", "queuing", "generating", "thinking about it", ""])
def test_whatever_is_not_the_end_is_waited_for(vendor, kie, state):
    vendor.states = [state, "success"]
    waiting = kie.start(IMAGINE, quiet)
    again = kie.check(waiting.ref, IMAGINE, quiet)
    assert (again.ref, again.check_in) == (waiting.ref, 3.0)
    assert isinstance(kie.check(waiting.ref, IMAGINE, quiet), Done)


def test_an_old_task_is_asked_for_less_often(vendor, kie):
    vendor.states = ["generating"]
    waiting = kie.start(IMAGINE, quiet)
    only(vendor).born -= 100
    assert 9 < kie.check(waiting.ref, IMAGINE, quiet).check_in < 12


def test_a_task_that_is_not_known_yet_is_waited_for(vendor, kie):
    assert isinstance(kie.check("task_new", IMAGINE, quiet), Waiting)
    vendor.script(RECORD, said(422, "recordInfo is null", status=422))
    assert isinstance(kie.check("task_new", IMAGINE, quiet), Waiting)


@pytest.mark.parametrize("in_status", [False, True], ids=["HTTP 200", "status"])
@pytest.mark.parametrize(
    ("code", "words", "kind", "permanent"),
    [
        (400, "prompt is required", "invalid_input", True),
        (400, "The prompt violates our content policy", "policy", True),
        (401, "no access", "misconfigured", True),
        (402, "Insufficient credits", "no_credits", True),
        (404, "no such address", "misconfigured", True),
        (422, "image cannot be read", "invalid_input", True),
        (422, "Flagged as sensitive", "policy", True),
        (429, "too many requests", "rate_limited", False),
        (433, "sub-key limit", "no_credits", True),
        (455, "maintenance", "transient", False),
        (500, "server error", "transient", False),
        (501, "generation failed", "transient", False),
        (503, "overloaded", "transient", False),
        (505, "disabled", "misconfigured", True),
    ],
)
def test_a_refusal_has_its_kind_and_bought_nothing(
    vendor, kie, in_status, code, words, kind, permanent
):
    vendor.script(CREATE, said(code, words, status=code if in_status else 200))
    error = refused(kie)
    assert (error.code, error.permanent, error.accepted) == (kind, permanent, False)
    assert words in error.detail


def test_a_wrong_key_is_for_staff_to_mend(vendor):
    assert refused(kie_at(vendor, key="wrong")).code == "misconfigured"


@pytest.mark.parametrize(("header", "wait"), [({"Retry-After": "7"}, 7.0), ({}, 10.0)])
def test_too_many_requests_say_how_long_to_wait(vendor, kie, header, wait):
    body = {"code": 429, "msg": "too many requests", "data": None}
    vendor.script(CREATE, Answer(429, body, header))
    assert refused(kie).wait == wait


@pytest.mark.parametrize(
    "behaviour",
    [
        HANG, RESET, HTML, Answer(502, b"bad gateway"), Answer(504, b""), Answer(200, [1, 2]),
        said(502, "bad gateway"), said(200, "success", {}), said(200, "success", "t1"),
        Answer(524, {"code": 524, "msg": "timeout", "data": None}),
    ],
    ids=lambda behaviour: str(behaviour)[:40],
)  # fmt: skip
def test_an_order_without_a_clear_answer_is_never_repeated(vendor, kie, behaviour):
    vendor.script(CREATE, behaviour)
    error = refused(kie)
    assert (error.code, error.permanent, error.accepted) == ("outcome_unknown", False, None)
    assert len(vendor.requests_to(CREATE)) == 1


def test_nobody_at_the_address_took_no_order(vendor):
    error = refused(Kie(Config("http://127.0.0.1:9", KEY)))
    assert (error.code, error.accepted) == ("transient", False)


@pytest.mark.parametrize(
    "behaviour",
    [HANG, RESET, HTML, Answer(502, b""), Answer(500, b"oops"), said(200, "ok", {}), said(500, "")],
    ids=lambda behaviour: str(behaviour)[:40],
)
def test_a_failed_upload_orders_nothing(vendor, kie, behaviour):
    vendor.script(UPLOAD, behaviour)
    error = refused(kie, TRYON)
    assert (error.code, error.permanent, error.accepted) == ("transient", False, False)
    assert vendor.requests_to(CREATE) == []


@pytest.mark.parametrize(
    "behaviour",
    [
        HANG, RESET, HTML, Answer(500, b"oops"), Answer(502, b""), Answer(503, b""),
        said(429, "too many"), said(455, "maintenance"), said(200, "ok", None),
    ],
    ids=lambda behaviour: str(behaviour)[:40],
)  # fmt: skip
def test_when_only_the_question_fails_it_is_asked_again(vendor, kie, behaviour):
    waiting = kie.start(IMAGINE, quiet)
    vendor.script(RECORD, behaviour)
    assert kie.check(waiting.ref, IMAGINE, quiet).ref == waiting.ref
    assert isinstance(kie.check(waiting.ref, IMAGINE, quiet), Done)


def test_a_key_that_was_revoked_meanwhile_leaves_the_order_accepted(vendor, kie):
    vendor.script(RECORD, said(401, "no access"))
    error = ended(kie)
    assert (error.code, error.accepted) == ("misconfigured", True)


@pytest.mark.parametrize(
    ("code", "words", "kind", "permanent"),
    [
        ("500", "Internal Error", "transient", False),
        ("501", "generation failed", "transient", False),
        ("", "", "transient", False),
        ("GEN_FAIL", "try later", "transient", False),
        ("422", "Your prompt was flagged by safety filters", "policy", True),
        ("501", "content policy violation", "policy", True),
        ("400", "cannot read image 2", "invalid_input", True),
    ],
)
def test_a_failed_task_has_its_kind_and_was_accepted(vendor, kie, code, words, kind, permanent):
    vendor.states = ["fail"]
    vendor.changes = {"failCode": code, "failMsg": words}
    error = ended(kie)
    assert (error.code, error.permanent, error.accepted) == (kind, permanent, True)


@pytest.mark.parametrize(
    "result",
    ["", "not json", "[]", '"x"', '{"resultUrls": []}', '{"resultUrls": null}', "{}", None, 7],
)
def test_success_without_an_address_is_no_picture(vendor, kie, result):
    vendor.changes = {"resultJson": result}
    error = ended(kie)
    assert (error.code, error.accepted) == ("no_image", True)


@pytest.mark.parametrize("data", [HTML.body, b"{}", b"GIF89a", b""], ids=repr)
def test_what_is_not_a_picture_is_not_taken_for_one(vendor, kie, data):
    vendor.results[0] = data
    error = ended(kie)
    assert (error.code, error.accepted) == ("no_image", True)


@pytest.mark.parametrize("url", ["http://169.254.169.254/x.png", "https://evil.example/x.png", "x"])
def test_results_come_only_from_the_vendors_hosts(vendor, kie, url):
    vendor.changes = {"resultJson": json.dumps({"resultUrls": [url]})}
    error = ended(kie)
    assert (error.code, error.accepted) == ("no_image", True)


def test_a_download_that_stumbles_is_tried_again(vendor, kie):
    waiting = kie.start(IMAGINE, quiet)
    vendor.script("/p/0.png", Answer(503), RESET)
    assert isinstance(kie.check(waiting.ref, IMAGINE, quiet), Waiting)
    assert isinstance(kie.check(waiting.ref, IMAGINE, quiet), Waiting)
    assert isinstance(kie.check(waiting.ref, IMAGINE, quiet), Done)


@pytest.mark.parametrize("credits", [None, "NaN", "many", -1, True])
def test_credits_that_are_no_number_leave_the_cost_unknown(vendor, kie, credits):
    vendor.changes = {"creditsConsumed": credits}
    waiting = kie.start(IMAGINE, quiet)
    assert kie.check(waiting.ref, IMAGINE, quiet).cost is None


def test_the_cost_follows_the_price_of_a_credit_and_the_rate(vendor):
    dear = kie_at(vendor, credit_usd="0.01", usd_rub=100)
    assert dear.check(dear.start(IMAGINE, quiet).ref, IMAGINE, quiet).cost == Decimal(3)
    blind = kie_at(vendor, usd_rub=None)
    assert blind.check(blind.start(IMAGINE, quiet).ref, IMAGINE, quiet).cost is None


@pytest.mark.parametrize(
    ("order", "code"),
    [
        (Order("c", "tryon", "x", (PERSON,)), "two_photos_needed"),
        (Order("c", "edit", "x"), "photo_needed"),
        (Order("c", "edit", "  ", (PERSON,)), "words_needed"),
        (Order("c", "imagine", "x", aspect="7:5"), "size_unknown"),
        (Order("c", "imagine", "x" * 5001), "invalid_input"),
        (Order("c", "edit", "x", (PERSON,) * 11), "invalid_input"),
        (Order("c", "edit", "x", (PERSON + bytes(11 << 20),)), "invalid_input"),
        (Order("c", "dance", "x"), "tool_unknown"),
    ],
    ids=lambda value: value if isinstance(value, str) else value.tool,
)
def test_what_the_model_cannot_do_is_said_before_anything_is_sent(vendor, kie, order, code):
    assert refused(kie, order).code == code
    assert vendor.asked == []


def test_the_credits_left_can_be_asked_for(kie):
    assert kie.balance() == 100


SECRET, NOW = "hmac-secret", time.time()


def signed(task: str, secret: str = SECRET, at: float = NOW) -> dict[str, str]:
    message = f"{task}.{int(at)}".encode()
    digest = hmac.new(secret.encode(), message, hashlib.sha256).digest()
    signature = base64.b64encode(digest).decode()
    return {"X-Webhook-Timestamp": str(int(at)), "X-Webhook-Signature": signature}


@pytest.mark.parametrize(
    "body",
    [
        {"code": 200, "data": {"taskId": "t1", "state": "success"}},
        {"code": 200, "data": {"task_id": "t1", "callbackType": "task_completed"}},
        {"taskId": "t1", "code": 501},
    ],
)
def test_a_signed_callback_names_its_task_from_any_of_three_places(body):
    assert verify_callback(body, signed("t1"), SECRET, NOW) == ["t1"]


@pytest.mark.parametrize(
    "headers",
    [
        {}, signed("t2"), signed("t1", "other"), signed("t1", at=NOW - 301),
        signed("t1", at=NOW + 302),
        signed("t1") | {"X-Webhook-Timestamp": "soon"}, signed("t1") | {"X-Webhook-Timestamp": "٣"},
        signed("t1") | {"X-Webhook-Signature": "подпись"},
    ],
)  # fmt: skip
def test_a_callback_that_is_not_signed_right_names_nothing(headers):
    assert verify_callback({"data": {"taskId": "t1"}}, headers, SECRET, NOW) == []


def test_without_a_secret_no_signature_is_right():
    assert verify_callback({"taskId": "t1"}, signed("t1", ""), "", NOW) == []


@pytest.mark.parametrize("body", [None, [], "t1", {"data": "t1"}, {"taskId": 7}, {"data": {}}])
def test_a_callback_without_a_task_names_nothing(body):
    assert verify_callback(body, signed("t1"), SECRET, NOW) == []


def test_only_the_signed_one_of_two_tasks_is_named():
    body = {"taskId": "t2", "data": {"taskId": "t1"}}
    assert verify_callback(body, signed("t1"), SECRET, NOW) == ["t1"]


@pytest.mark.parametrize(
    ("ref", "ours"), [("t1", True), ("t0,t1", True), ("t2", False), ("", False)]
)
def test_a_call_is_about_an_order_when_it_names_one_of_its_tasks(kie, ref, ours):
    body = {"data": {"taskId": "t1"}}
    assert kie.callback(ref, body, {}, secret="") is ours
    assert kie.callback(ref, body, signed("t1"), secret=SECRET) is ours


def test_a_forged_call_is_told_from_one_about_nothing(kie):
    with pytest.raises(PermissionError):
        kie.callback("t1", {"taskId": "t1"}, signed("t2"), secret=SECRET)
    assert not kie.callback("t1", {}, {}, secret=SECRET)


def test_of_two_tasks_only_the_signed_one_counts(kie):
    body = {"taskId": "t2", "data": {"taskId": "t1"}}
    assert not kie.callback("t2", body, signed("t1"), secret=SECRET)
