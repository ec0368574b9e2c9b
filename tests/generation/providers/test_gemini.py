"""Gemini over real HTTP: what is sent, which picture is taken, and what each refusal means."""

from __future__ import annotations

import base64
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from generation.providers.base import Config, Done, Fit, Order, ProviderError
from generation.providers.gemini import Gemini
from tests.conftest import picture_file
from tests.vendors.gemini import (
    CALL,
    KEY,
    LIST,
    MODEL,
    RESULTS,
    SKETCH,
    GeminiStub,
    answered,
    inline,
    made,
    refused,
    retry_in,
)
from tests.vendors.stub import HANG, HTML, RESET, Answer

PERSON, ITEM = picture_file("teal"), picture_file("gold", kind="PNG")
TRYON = Order("c1", "tryon", "put the coat on the person", (PERSON, ITEM))
EDIT = Order("c2", "edit", "make it night", (PERSON,), aspect="3:4")
IMAGINE = Order("c3", "imagine", "a lighthouse", aspect="16:9")
GROWN_UPS = {"personGeneration": "ALLOW_ADULT"}
PRICES = {"input": "0.30", "output": 30}


def quiet(percent: int, stage: str) -> None:
    """Nobody watches."""


@pytest.fixture
def vendor():
    with GeminiStub() as stub:
        yield stub
    assert stub.mistakes == []


@pytest.fixture
def gemini(vendor: GeminiStub) -> Gemini:
    return gemini_at(vendor, prices=PRICES)


def gemini_at(vendor: GeminiStub, key: str = KEY, **options: Any) -> Gemini:
    usual = {"usd_rub": "80", "read_seconds": 5}
    return Gemini(Config(f"{vendor.url}/v1beta", key, usual | options))


def failed(provider: Gemini, order: Order = IMAGINE) -> ProviderError:
    with pytest.raises(ProviderError) as caught:
        provider.start(order, quiet)
    return caught.value


@pytest.mark.parametrize("order", [TRYON, EDIT, IMAGINE], ids=lambda order: order.tool)
def test_every_tool_goes_from_the_order_to_the_picture(vendor, gemini, order):
    done = gemini.start(order, quiet)
    (bought,) = vendor.bought
    assert (bought.prompt, bought.pictures) == (order.prompt, order.pictures)
    # 560 tokens in and 1440 out, thoughts included, at 80 rubles a dollar.
    assert done == Done((RESULTS[0],), MODEL, Decimal("3.4694"))


def test_the_photos_keep_their_order_and_follow_the_words(vendor, gemini):
    gemini.start(TRYON, quiet)
    words, person, item = vendor.asked[0].json["contents"][0]["parts"]
    assert words == {"text": TRYON.prompt}
    assert person["inline_data"]["mime_type"] == "image/jpeg"
    assert base64.b64decode(item["inline_data"]["data"]) == ITEM


@pytest.mark.parametrize(
    ("order", "options", "sent"),
    [
        (TRYON, {}, None),
        (EDIT, {}, {"aspectRatio": "3:4"}),
        (TRYON, {"image_size": "2K"}, {"imageSize": "2K"}),
        (EDIT, {"image_size": "4K", "generation": {"imageConfig": GROWN_UPS}},
         {"aspectRatio": "3:4", "imageSize": "4K", **GROWN_UPS}),
    ],
)  # fmt: skip
def test_a_shape_and_a_size_are_sent_only_where_they_were_chosen(vendor, order, options, sent):
    gemini_at(vendor, **options).start(order, quiet)
    assert vendor.bought[0].generation.get("imageConfig") == sent
    assert vendor.bought[0].generation["responseModalities"] == ["TEXT", "IMAGE"]


def test_the_owners_settings_are_sent_along(vendor):
    safety = [{"category": "HARM_CATEGORY_SEXUALLY_EXPLICIT", "threshold": "BLOCK_ONLY_HIGH"}]
    generation = {"temperature": 0.4, "responseModalities": ["IMAGE"]}
    gemini_at(vendor, safety=safety, generation=generation).start(TRYON, quiet)
    assert vendor.bought[0].safety == safety
    assert vendor.bought[0].generation == generation


def test_the_key_is_in_a_header_and_never_in_an_address(vendor, gemini):
    gemini.start(IMAGINE, quiet)
    gemini.listed_models()
    assert {request.headers["x-goog-api-key"] for request in vendor.asked} == {KEY}
    assert not any(KEY in f"{request.path} {request.query}" for request in vendor.asked)


def test_a_model_id_is_one_step_of_the_path_whatever_is_in_it(vendor):
    failed(gemini_at(vendor, models={"imagine": "../../x?key=1"}))
    assert vendor.asked[0].path == "/v1beta/models/..%2F..%2Fx%3Fkey%3D1:generateContent"
    vendor.mistakes.clear()


# What comes back.


def test_several_pictures_are_several_orders(vendor, gemini):
    done = gemini.start(replace(IMAGINE, count=3), quiet)
    assert done.pictures == tuple(RESULTS[:3])
    assert len(vendor.bought) == 3
    assert done.cost == 3 * Decimal("3.4694")


def test_a_failure_after_the_first_picture_says_that_something_was_bought(vendor, gemini):
    vendor.script(CALL, Answer(200, made(RESULTS[0])), Answer(503, b"overloaded"))
    error = failed(gemini, replace(IMAGINE, count=2))
    assert (error.code, error.accepted) == ("transient", True)


def test_the_last_picture_that_is_no_thought_is_taken(vendor, gemini):
    parts = [inline(RESULTS[3]), inline(RESULTS[1]), {**inline(SKETCH), "thought": True}]
    vendor.script(CALL, Answer(200, answered(parts)))
    assert gemini.start(IMAGINE, quiet).pictures == (RESULTS[1],)


def test_snake_case_is_understood_as_well(vendor, gemini):
    data = base64.b64encode(RESULTS[2]).decode()
    part = {"inline_data": {"mime_type": "image/png", "data": data}}
    vendor.script(CALL, Answer(200, answered([part])))
    assert gemini.start(IMAGINE, quiet).pictures == (RESULTS[2],)


def test_the_cost_may_be_a_price_for_each_picture(vendor):
    provider = gemini_at(vendor, prices={"picture": "0.0336"})
    assert provider.start(replace(IMAGINE, count=2), quiet).cost == Decimal("5.3760")


@pytest.mark.parametrize("options", [{}, {"prices": PRICES, "usd_rub": None}])
def test_without_prices_or_a_rate_the_cost_is_unknown(vendor, options):
    assert gemini_at(vendor, **options).start(IMAGINE, quiet).cost is None


def test_an_answer_without_usage_costs_an_unknown_sum(vendor, gemini):
    vendor.script(CALL, Answer(200, made(RESULTS[0]) | {"usageMetadata": None}))
    assert gemini.start(IMAGINE, quiet).cost is None


# Which models there are.


def test_the_models_that_are_served_are_listed_over_all_pages(vendor, gemini):
    vendor.served = ["gemini-3-pro-image"]
    assert gemini.listed_models() == {"gemini-3-flash", "gemini-3-pro-image"}
    assert gemini.configured_models() - gemini.listed_models() == {MODEL}


def test_a_list_without_end_is_not_followed_for_ever(vendor, gemini):
    vendor.script(LIST, *[Answer(200, {"models": [], "nextPageToken": "x"})] * 12)
    assert gemini.listed_models() == frozenset()
    assert len(vendor.asked) == 10


def test_the_next_model_is_taken_where_one_is_no_longer_served(vendor, gemini):
    vendor.served = ["gemini-3-pro-image"]
    assert gemini.start(TRYON, quiet).model == "gemini-3-pro-image"


def test_no_model_left_is_for_staff_to_mend(vendor, gemini):
    vendor.served = []
    error = failed(gemini)
    assert (error.code, error.permanent, error.accepted) == ("misconfigured", True, False)


# Why there is no picture.


@pytest.mark.parametrize(
    "reason", ["SAFETY", "BLOCKLIST", "PROHIBITED_CONTENT", "IMAGE_SAFETY", "NEW_REASON"]
)
def test_a_blocked_prompt_was_refused_and_never_reached_the_model(vendor, gemini, reason):
    vendor.script(CALL, Answer(200, {"promptFeedback": {"blockReason": reason}}))
    error = failed(gemini)
    assert (error.code, error.permanent, error.accepted) == ("policy", True, False)
    assert reason in error.detail


def test_a_prompt_that_was_blocked_for_no_reason_may_be_tried_again(vendor, gemini):
    vendor.script(CALL, Answer(200, {"promptFeedback": {"blockReason": "OTHER"}}))
    error = failed(gemini)
    assert (error.code, error.permanent, error.accepted) == ("no_image", False, False)


@pytest.mark.parametrize(
    "reason",
    ["SAFETY", "IMAGE_SAFETY", "PROHIBITED_CONTENT", "IMAGE_PROHIBITED_CONTENT",
     "IMAGE_RECITATION", "RECITATION", "SPII"],
)  # fmt: skip
def test_a_picture_that_was_withheld_is_a_refusal_of_what_was_taken(vendor, gemini, reason):
    vendor.script(CALL, Answer(200, {"candidates": [{"finishReason": reason}]}))
    error = failed(gemini)
    assert (error.code, error.permanent, error.accepted) == ("policy", True, True)


@pytest.mark.parametrize(
    ("reason", "permanent"),
    [("NO_IMAGE", False), ("OTHER", False), ("IMAGE_OTHER", False), ("MALFORMED_RESPONSE", False),
     ("STOP", False), ("MAX_TOKENS", True), ("PUP_LIMITED_DISABLED", True)],
)  # fmt: skip
def test_only_some_missing_pictures_are_worth_another_try(vendor, gemini, reason, permanent):
    vendor.script(CALL, Answer(200, answered([{"text": "I would rather talk."}], reason)))
    error = failed(gemini)
    assert (error.code, error.permanent, error.accepted) == ("no_image", permanent, True)
    assert "I would rather talk." in error.detail


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"candidates": []},
        {"candidates": None},
        {"candidates": [{"content": None}]},
        {"candidates": [{"content": {"parts": "none"}}]},
        answered([{**inline(SKETCH), "thought": True}]),
        answered([{"inlineData": {}}]),
    ],
)
def test_an_answer_without_a_picture_was_an_order_all_the_same(vendor, gemini, body):
    vendor.script(CALL, Answer(200, body))
    error = failed(gemini)
    assert (error.code, error.permanent, error.accepted) == ("no_image", False, True)


@pytest.mark.parametrize(
    "part",
    [
        {"inlineData": {"mimeType": "image/png", "data": "*** not base64 ***"}},
        {"inlineData": {"mimeType": "image/png", "data": 12}},
        inline(b"<html>oops"),
    ],
)
def test_a_picture_that_was_paid_for_and_cannot_be_used_is_not_bought_again(vendor, gemini, part):
    vendor.script(CALL, Answer(200, answered([part])))
    error = failed(gemini)
    assert (error.code, error.permanent, error.accepted) == ("no_image", True, True)


# What refusals mean.

FIELD = {"fieldViolations": [{"field": "generation_config.image_config.image_size"}]}
REFUSALS = [
    (refused(400, "INVALID_ARGUMENT", "Unable to process input image."), "invalid_input"),
    (refused(400, "INVALID_ARGUMENT", "Invalid value", FIELD), "misconfigured"),
    (refused(400, "FAILED_PRECONDITION", "User location is not supported for the API use."),
     "misconfigured"),
    (refused(400, "INVALID_ARGUMENT", "User location is not supported."), "misconfigured"),
    (refused(403, "PERMISSION_DENIED", "no rights"), "misconfigured"),
    (refused(403, "PERMISSION_DENIED", "pay", {"reason": "BILLING_DISABLED"}), "no_credits"),
    (refused(404, "NOT_FOUND", "no such page"), "misconfigured"),
    (refused(429, "RESOURCE_EXHAUSTED", "Your prepayment credits are depleted."), "no_credits"),
    (refused(429, "RESOURCE_EXHAUSTED", "Quota exceeded."), "rate_limited"),
    (Answer(401, {"error": "no"}), "misconfigured"),
    (Answer(402, b""), "no_credits"),
    (Answer(413, b"<html>too large"), "invalid_input"),
]  # fmt: skip


@pytest.mark.parametrize(("answer", "code"), REFUSALS)
def test_a_refusal_will_not_change_and_nothing_was_ordered(vendor, gemini, answer, code):
    vendor.script(CALL, answer)
    error = failed(gemini)
    assert (error.code, error.permanent, error.accepted) == (code, True, False)
    assert (len(vendor.asked), len(error.detail) <= 500) == (1, True)


def test_a_wrong_key_is_for_staff_to_mend(vendor):
    provider = gemini_at(vendor, key="AIza-wrong")
    assert failed(provider).code == "misconfigured"
    with pytest.raises(ProviderError, match="misconfigured"):
        provider.listed_models()


@pytest.mark.parametrize(
    ("answer", "code", "wait"),
    [
        (refused(429, "RESOURCE_EXHAUSTED", "Slow down", retry_in("23s")), "rate_limited", 23.0),
        (refused(429, "RESOURCE_EXHAUSTED", "Slow", retry_in("1.5s")), "rate_limited", 1.5),
        (Answer(429, b"", {"Retry-After": "7"}), "rate_limited", 7.0),
        (refused(500, "INTERNAL", "oops"), "transient", None),
        (refused(503, "UNAVAILABLE", "The model is overloaded."), "transient", None),
        (Answer(200, {"error": {"code": 503, "status": "UNAVAILABLE"}}), "transient", None),
    ],
)
def test_a_passing_refusal_may_be_ordered_anew(vendor, gemini, answer, code, wait):
    vendor.script(CALL, answer)
    error = failed(gemini)
    assert (error.code, error.permanent, error.accepted) == (code, False, False)
    assert error.wait == wait


@pytest.mark.parametrize(
    "behaviour",
    [HANG, RESET, HTML, refused(504, "DEADLINE_EXCEEDED", "too slow"), Answer(502), Answer(200, []),
     Answer(200, {"error": {"message": "something broke"}})],
    ids=["hang", "reset", "html", "504", "502", "list", "error inside"],
)  # fmt: skip
def test_where_nobody_knows_nothing_is_ordered_twice(vendor, behaviour):
    vendor.script(CALL, behaviour)
    error = failed(gemini_at(vendor, read_seconds=0.3))
    assert (error.code, error.permanent, error.accepted) == ("outcome_unknown", False, None)
    assert len(vendor.asked) == 1


def test_an_address_where_nobody_listens_took_no_order():
    error = failed(Gemini(Config("http://127.0.0.1:9/v1beta", KEY, {"connect_seconds": 0.5})))
    assert (error.code, error.accepted) == ("transient", False)
    assert KEY not in str(error)


# What is refused before anything is asked.


@pytest.mark.parametrize(
    ("order", "code"),
    [
        (replace(TRYON, pictures=(PERSON,)), "two_photos_needed"),
        (replace(EDIT, pictures=()), "photo_needed"),
        (replace(IMAGINE, prompt="  "), "words_needed"),
        (replace(IMAGINE, aspect="7:1"), "size_unknown"),
        (replace(IMAGINE, count=0), "size_unknown"),
        (replace(EDIT, pictures=(PERSON,) * 15), "invalid_input"),
        (replace(EDIT, pictures=(PERSON + bytes(15 * 1024 * 1024),)), "invalid_input"),
        (replace(EDIT, pictures=(b"GIF89a",)), "invalid_input"),
        (replace(IMAGINE, tool="dance"), "tool_unknown"),
    ],
)
def test_what_cannot_be_done_is_said_before_google_is_asked(vendor, gemini, order, code):
    error = failed(gemini, order)
    assert (error.code, error.accepted, vendor.asked) == (code, False, [])


def test_it_needs_no_place_and_keeps_nothing_to_ask_after(gemini):
    assert gemini.locate(PERSON, "head") == Fit(None)
    with pytest.raises(ProviderError, match="outcome_unknown"):
        gemini.check("x", IMAGINE, quiet)
