"""OpenRouter over real HTTP: both of its ways, and what each of its errors means."""

from __future__ import annotations

import base64
from decimal import Decimal
from typing import Any

import pytest

from generation.providers.base import Config, Done, Order, ProviderError
from generation.providers.openrouter import OpenRouter
from tests.conftest import picture_file
from tests.vendors.openrouter import CHAT, IMAGES, KEY, OpenRouterStub, chat, data_uri, wrong
from tests.vendors.stub import HANG, HTML, RESET, Answer

GEMINI, GPT = "google/gemini-3-pro-image", "openai/gpt-image-2"
PERSON, ITEM = picture_file("teal"), picture_file("gold", kind="PNG")
TRYON = Order("c1", "tryon", "put the coat on the person", (PERSON, ITEM), seed=7)
EDIT = Order("c2", "edit", "make it night", (PERSON,), aspect="3:4")
IMAGINE = Order("c3", "imagine", "a lighthouse", aspect="16:9")
FOUR = Order("c4", "imagine", "a lighthouse", count=4, seed=10)
WAYS = pytest.mark.parametrize(("model", "path"), [(GEMINI, CHAT), (GPT, IMAGES)])


def quiet(percent: int, stage: str) -> None:
    """Nobody watches."""


@pytest.fixture
def vendor():
    with OpenRouterStub() as stub:
        yield stub
    assert stub.mistakes == []


def at(vendor: OpenRouterStub, model: str = GEMINI, key: str = KEY, **options: Any) -> OpenRouter:
    models = dict.fromkeys(("tryon", "edit", "imagine"), model)
    usual = {"models": models, "hosts": [vendor.url], "usd_rub": "80", "read_seconds": 0.4}
    return OpenRouter(Config(f"{vendor.url}/api/v1", key, usual | options))


def refused(provider: OpenRouter, order: Order = IMAGINE) -> ProviderError:
    with pytest.raises(ProviderError) as caught:
        provider.start(order, quiet)
    return caught.value


@WAYS
@pytest.mark.parametrize("linked", [False, True], ids=["data", "link"])
@pytest.mark.parametrize("order", [TRYON, EDIT, IMAGINE], ids=lambda order: order.tool)
def test_every_tool_works_by_both_ways(vendor, model, path, linked, order):
    vendor.linked = linked
    done = at(vendor, model).start(order, quiet)
    assert vendor.pictures == [list(order.pictures)]
    assert len(vendor.requests_to(path)) == 1
    assert done == Done((vendor.results[0],), model, Decimal("3.2000"))


def test_chat_is_asked_for_pictures_in_the_shape_that_was_wished(vendor):
    at(vendor).start(EDIT, quiet)
    sent = vendor.requests_to(CHAT)[0].json
    assert sent["modalities"] == ["image", "text"]
    assert sent["image_config"] == {"aspect_ratio": "3:4", "image_size": "1K"}
    assert sent["messages"][0]["content"][0] == {"type": "text", "text": "make it night"}


def test_a_free_shape_is_left_to_the_model(vendor):
    at(vendor).start(TRYON, quiet)
    at(vendor, GPT).start(TRYON, quiet)
    assert vendor.requests_to(CHAT)[0].json["image_config"] == {"image_size": "1K"}
    assert vendor.requests_to(IMAGES)[0].json["aspect_ratio"] == "auto"


def test_an_image_only_model_is_not_asked_for_words(vendor):
    at(vendor, "black-forest-labs/flux.2-pro").start(IMAGINE, quiet)
    assert vendor.requests_to(CHAT)[0].json["modalities"] == ["image"]


def test_the_owner_may_change_how_a_model_is_asked(vendor):
    vendor.image_models.add("new/model")
    fields = {"new/model": {"way": "images", "size": "2K", "fixed": {"output_format": "png"}}}
    at(vendor, "new/model", fields=fields, provider={"zdr": True}).start(TRYON, quiet)
    sent = vendor.requests_to(IMAGES)[0].json
    assert (sent["resolution"], sent["output_format"], sent["seed"]) == ("2K", "png", 7)
    assert sent["provider"] == {"zdr": True}


def test_we_introduce_ourselves_when_asked_to(vendor):
    at(vendor, title="Studio", referer="https://studio.example").start(IMAGINE, quiet)
    headers = vendor.asked[0].headers
    assert headers["x-openrouter-title"] == "Studio"
    assert headers["http-referer"] == "https://studio.example"


def test_several_pictures_by_chat_are_several_requests_with_their_own_seeds(vendor):
    done = at(vendor, read_seconds=5).start(FOUR, quiet)
    assert sorted(done.pictures) == sorted(vendor.results)
    assert {request.json["seed"] for request in vendor.asked} == {10, 11, 12, 13}
    assert done.cost == Decimal("12.8000")


def test_the_last_seed_has_a_neighbour(vendor):
    order = Order("c5", "imagine", "a lighthouse", count=2, seed=2**31 - 1)
    at(vendor, read_seconds=5).start(order, quiet)
    assert {request.json["seed"] for request in vendor.asked} == {2**31 - 1, 0}


def test_a_field_that_does_not_exist_is_for_staff_to_mend(vendor):
    error = refused(at(vendor, fields={GEMINI: {"colour": "red"}}))
    assert error.code == "misconfigured"
    assert "colour" in error.detail


def test_several_pictures_by_images_are_one_request(vendor):
    done = at(vendor, GPT).start(FOUR, quiet)
    assert (list(done.pictures), done.cost) == (vendor.results, Decimal("3.2000"))
    assert [request.json["n"] for request in vendor.asked] == [4]


def test_fewer_pictures_than_ordered_are_none(vendor):
    row = {"b64_json": base64.b64encode(PERSON).decode()}
    vendor.script(IMAGES, Answer(200, {"data": [row]}))
    error = refused(at(vendor, GPT), FOUR)
    assert (error.code, error.accepted) == ("no_image", True)


def test_a_refusal_beside_bought_pictures_counts_as_accepted(vendor):
    vendor.script(CHAT, wrong(429, "slow down"))
    error = refused(at(vendor, read_seconds=5), FOUR)
    assert (error.code, error.accepted) == ("rate_limited", True)


def test_an_unknown_outcome_weighs_more_than_refusals(vendor):
    vendor.script(CHAT, wrong(429, "slow down"), wrong(401, "key"), RESET, wrong(503, "none"))
    error = refused(at(vendor, read_seconds=5), FOUR)
    assert (error.code, error.accepted) == ("outcome_unknown", None)


@WAYS
@pytest.mark.parametrize(
    ("code", "words", "about", "kind", "permanent"),
    [
        (400, "bad parameter", {}, "invalid_input", True),
        (400, "x/y is not a valid model ID", {}, "misconfigured", True),
        (401, "no such key", {}, "misconfigured", True),
        (402, "credits", {"limit_source": "openrouter_credits"}, "no_credits", True),
        (402, "key limit", {"limit_source": "openrouter_key_limit"}, "no_credits", True),
        (402, "busy", {"limit_source": "openrouter_in_flight_budget"}, "rate_limited", False),
        (402, "no word why", {}, "no_credits", True),
        (403, "flagged", {"reasons": ["violence"], "provider_name": "x"}, "policy", True),
        (403, "not permitted", {}, "misconfigured", True),
        (404, "No endpoints found for x/y", {}, "misconfigured", True),
        (408, "timeout", {}, "transient", False),
        (413, "too large", {"error_type": "image_too_large"}, "invalid_input", True),
        (422, "refused", {"error_type": "content_policy_violation"}, "policy", True),
        (422, "odd picture", {"error_type": "invalid_image"}, "invalid_input", True),
        (429, "slow down", {"error_type": "rate_limit_exceeded"}, "rate_limited", False),
        (500, "oops", {"error_type": "server"}, "transient", False),
        (502, "bad upstream", {"error_type": "provider_unavailable"}, "transient", False),
        (503, "no provider", {}, "transient", False),
        (529, "overloaded", {}, "transient", False),
    ],
)
@pytest.mark.parametrize("begun", [False, True], ids=["status", "HTTP 200"])
def test_an_error_has_its_kind(vendor, model, path, code, words, about, kind, permanent, begun):
    vendor.script(path, wrong(code, words, 200 if begun else None, **about))
    error = refused(at(vendor, model))
    assert (error.code, error.permanent, error.accepted) == (kind, permanent, begun)
    assert words in error.detail


@pytest.mark.parametrize("code", [402, 429])
def test_the_vendor_says_how_long_to_wait(vendor, code):
    body = wrong(code, "busy", limit_source="openrouter_in_flight_budget").body
    vendor.script(CHAT, Answer(code, body, {"Retry-After": "12"}))
    error = refused(at(vendor))
    assert (error.code, error.wait) == ("rate_limited", 12.0)


@WAYS
@pytest.mark.parametrize(
    "behaviour",
    [HANG, RESET, HTML, Answer(200, [1]), Answer(502, b""), Answer(524, b""), wrong(504, "edge")],
    ids=lambda behaviour: str(behaviour)[:40],
)
def test_an_order_without_a_clear_answer_is_never_repeated(vendor, model, path, behaviour):
    vendor.script(path, behaviour)
    error = refused(at(vendor, model))
    assert (error.code, error.permanent, error.accepted) == ("outcome_unknown", False, None)
    assert len(vendor.asked) == 1


def test_an_error_without_json_is_read_by_its_status(vendor):
    vendor.script(CHAT, Answer(403, b"error code: 1010"), Answer(500, b"oops"))
    assert refused(at(vendor)).code == "misconfigured"
    assert refused(at(vendor)).code == "transient"


def test_nobody_at_the_address_took_no_order():
    error = refused(OpenRouter(Config("http://127.0.0.1:9/api/v1", KEY)))
    assert (error.code, error.accepted) == ("transient", False)


def test_a_wrong_key_is_for_staff_to_mend(vendor):
    assert refused(at(vendor, key="sk-or-v1-wrong")).code == "misconfigured"


@pytest.mark.parametrize(
    ("changes", "kind", "permanent"),
    [
        ({"finish_reason": "content_filter"}, "policy", True),
        ({"message": {"content": None, "refusal": "I cannot do that"}}, "policy", True),
        ({"finish_reason": "error"}, "transient", False),
        ({"error": {"code": 429, "message": "slow"}}, "rate_limited", False),
        ({"message": {"content": "I see a coat."}}, "no_image", True),
        ({"message": {"content": "x", "images": []}}, "no_image", True),
        ({"message": {"images": [{"image_url": {}}, {}, "x"]}}, "no_image", True),
        ({"message": None}, "no_image", True),
    ],
)
def test_a_chat_that_brings_no_picture_says_why(vendor, changes, kind, permanent):
    vendor.script(CHAT, Answer(200, chat(GEMINI, [data_uri(PERSON)], **changes)))
    error = refused(at(vendor))
    assert (error.code, error.permanent, error.accepted) == (kind, permanent, True)


def test_the_words_of_a_chat_without_a_picture_are_kept_for_staff(vendor):
    silent = chat(GEMINI, [], message={"content": "I would rather not." + "x" * 9000})
    vendor.script(CHAT, Answer(200, silent))
    error = refused(at(vendor))
    assert "I would rather not." in error.detail
    assert len(error.detail) <= 500


@pytest.mark.parametrize("body", [{}, {"choices": []}, {"choices": None}, {"choices": ["x"]}])
def test_a_chat_without_choices_is_no_picture(vendor, body):
    vendor.script(CHAT, Answer(200, body))
    assert refused(at(vendor)).code == "no_image"


@pytest.mark.parametrize("body", [{}, {"data": []}, {"data": [{}]}, {"data": {"b64_json": "x"}}])
def test_images_without_data_are_no_picture(vendor, body):
    vendor.script(IMAGES, Answer(200, body))
    assert refused(at(vendor, GPT)).code == "no_image"


@pytest.mark.parametrize(
    "url",
    [
        data_uri(HTML.body), data_uri(b""), "data:image/png;base64,!!!", "data:image/png,abc",
        "data:", "http://169.254.169.254/x.png", "https://evil.example/x.png", "nonsense",
    ],
)  # fmt: skip
def test_what_is_not_a_picture_from_the_vendor_is_none(vendor, url):
    vendor.script(CHAT, Answer(200, chat(GEMINI, [url])))
    error = refused(at(vendor))
    assert (error.code, error.accepted) == ("no_image", True)


def test_the_label_of_a_picture_is_not_believed(vendor):
    vendor.script(CHAT, Answer(200, chat(GEMINI, [data_uri(PERSON, "text/html")])))
    assert at(vendor).start(IMAGINE, quiet).pictures == (PERSON,)


def test_a_link_that_fails_for_now_is_a_bought_picture_lost(vendor):
    vendor.linked = True
    vendor.script("/p/0.png", Answer(503))
    error = refused(at(vendor))
    assert (error.code, error.permanent, error.accepted) == ("transient", False, True)


@pytest.mark.parametrize("cost", [None, "free", float("nan"), -1, {}])
def test_a_cost_that_is_no_number_is_unknown(vendor, cost):
    vendor.cost = cost
    assert at(vendor).start(IMAGINE, quiet).cost is None


def test_without_a_rate_the_cost_is_unknown(vendor):
    assert at(vendor, usd_rub=None).start(IMAGINE, quiet).cost is None


@pytest.mark.parametrize(
    ("order", "code"),
    [
        (Order("c", "tryon", "x", (PERSON,)), "two_photos_needed"),
        (Order("c", "edit", "x"), "photo_needed"),
        (Order("c", "imagine", "  "), "words_needed"),
        (Order("c", "imagine", "x", aspect="7:5"), "size_unknown"),
        (Order("c", "imagine", "x", count=0), "size_unknown"),
        (Order("c", "edit", "x", (PERSON,) * 11), "invalid_input"),
        (Order("c", "imagine", "x" * 20001), "invalid_input"),
        (Order("c", "dance", "x"), "tool_unknown"),
    ],
    ids=lambda value: value if isinstance(value, str) else value.tool,
)
def test_what_the_model_cannot_do_is_said_before_anything_is_sent(vendor, order, code):
    assert refused(at(vendor), order).code == code
    assert vendor.asked == []


def test_the_vendors_list_tells_which_ids_are_gone(vendor):
    provider = at(vendor, models={"tryon": GPT, "edit": "google/gone"})
    assert provider.configured_models() == {GPT, "google/gone", GEMINI}
    assert provider.configured_models() - provider.listed_models() == {"google/gone"}


def test_only_the_lists_in_use_are_asked_for(vendor):
    assert at(vendor, GPT).listed_models() == {GPT}
    assert [request.path for request in vendor.asked] == ["/api/v1/images/models"]


def test_nothing_is_ever_waited_for(vendor):
    with pytest.raises(ProviderError) as caught:
        at(vendor).check("gen-1", IMAGINE, quiet)
    assert caught.value.code == "nothing_waits"
