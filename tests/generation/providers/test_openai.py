"""OpenAI's Images API and its kin over real HTTP: what is sent, what comes, what refusals mean."""

from __future__ import annotations

import base64
import time
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from generation.providers.base import Config, Done, Fit, Order, ProviderError
from generation.providers.openai import OpenAI
from generation.providers.openai.flavours import FLAVOURS
from generation.providers.openai.orders import plain
from tests.conftest import picture_file
from tests.vendors.openai import (
    EDITS,
    GENERATIONS,
    KEY,
    KINDS,
    RESULTS,
    OpenAIStub,
    parts_of,
    refused,
)
from tests.vendors.stub import HANG, HTML, RESET, Answer

PERSON, ITEM = picture_file("teal", (300, 400)), picture_file("gold", kind="PNG")
TRYON = Order("c1", "tryon", "put the coat on the person", (PERSON, ITEM), seed=7)
EDIT = Order("c2", "edit", "make it night", (PERSON,), aspect="3:4", seed=7)
IMAGINE = Order("c3", "imagine", "a lighthouse", aspect="16:9", seed=7)
MODELS = {"litellm": "pictures", "localai": "dreamshaper"}
PRICES = {"text": 5, "image": "8", "output": 30}


def quiet(percent: int, stage: str) -> None:
    """Nobody watches."""


@pytest.fixture
def vendor():
    with OpenAIStub() as stub:
        yield stub
    assert stub.mistakes == []


@pytest.fixture(params=sorted(FLAVOURS))
def any_vendor(request):
    with OpenAIStub(request.param) as stub:
        yield stub
    assert stub.mistakes == []


def provider_at(stub: OpenAIStub, key: str = KEY, **options: Any) -> OpenAI:
    usual: dict[str, Any] = {"flavour": stub.name, "read_seconds": 5, "usd_rub": "80"}
    if stub.name in MODELS:
        usual["models"] = dict.fromkeys(("tryon", "edit", "imagine"), MODELS[stub.name])
    return OpenAI(Config(f"{stub.url}/v1", key, usual | options))


@pytest.fixture
def openai(vendor: OpenAIStub) -> OpenAI:
    return provider_at(vendor, prices=PRICES)


def failed(provider: OpenAI, order: Order = IMAGINE) -> ProviderError:
    with pytest.raises(ProviderError) as caught:
        provider.start(order, quiet)
    return caught.value


def test_each_flavour_is_one_that_the_stub_knows():
    assert FLAVOURS.keys() == KINDS.keys()


@pytest.mark.parametrize("order", [TRYON, EDIT, IMAGINE], ids=lambda order: order.tool)
def test_every_tool_of_every_server_goes_from_the_order_to_the_picture(any_vendor, order):
    provider = provider_at(any_vendor)
    if order.tool not in provider.tools:
        assert failed(provider, order).code == "tool_unknown"
        return
    assert provider.start(order, quiet).pictures == (RESULTS[0],)
    (bought,) = any_vendor.bought
    assert bought.pictures == order.pictures
    assert bought.fields["prompt"].startswith(order.prompt)


def test_only_localai_cannot_edit(any_vendor):
    tools = {"imagine"} if any_vendor.name == "localai" else {"imagine", "edit", "tryon"}
    assert provider_at(any_vendor).tools == tools


@pytest.mark.parametrize(
    ("name", "sent"),
    [
        ("openai", {"model": "gpt-image-2", "size": "1536x864"}),
        ("litellm", {"model": "pictures", "size": "1536x1024"}),
        ("vllm-omni", {"size": "1024x576", "seed": 7, "response_format": "b64_json"}),
        ("sglang", {"size": "1024x576", "seed": 7, "response_format": "b64_json"}),
        ("sd.cpp", {"model": "sd-cpp-local", "size": "1024x576"}),
        ("localai", {"model": "dreamshaper", "size": "1024x576", "response_format": "b64_json"}),
    ],
)
def test_each_server_gets_the_fields_it_knows_and_no_others(name, sent):
    with OpenAIStub(name) as stub:
        provider_at(stub).start(IMAGINE, quiet)
        fields = dict(stub.bought[0].fields)
    assert fields.pop("prompt").startswith("a lighthouse")
    assert fields == {"n": 1, **sent}


def test_photos_go_as_files_with_names_and_types(vendor, openai):
    openai.start(TRYON, quiet)
    files = [part for part in parts_of(vendor.requests_to(EDITS)[0]) if part[1]]
    assert files == [
        ("image[]", "picture-1.jpg", "image/jpeg", PERSON),
        ("image[]", "picture-2.png", "image/png", ITEM),
    ]


def test_the_owners_fields_are_sent_along_but_replace_none_of_ours(vendor):
    fields = {"quality": "medium", "prompt": "something else", "stream": False}
    provider = provider_at(vendor, fields=fields, edit_fields={"input_fidelity": "high"})
    provider.start(EDIT, quiet)
    assert vendor.bought[0].fields == {
        "model": "gpt-image-2", "prompt": "make it night", "n": 1, "size": "1152x1536",
        "quality": "medium", "input_fidelity": "high", "stream": "false",
    }  # fmt: skip


def test_a_server_without_auto_gets_the_shape_of_the_first_photo():
    with OpenAIStub("sd.cpp") as stub:
        provider_at(stub).start(TRYON, quiet)
        provider_at(stub).start(replace(IMAGINE, aspect="auto"), quiet)
        assert [bought.fields["size"] for bought in stub.bought] == ["768x1024", "1024x1024"]


def test_any_difference_of_a_flavour_may_be_an_option(vendor):
    sizes = {"auto": "auto", "16:9": "1280x720"}
    provider_at(vendor, sizes=sizes, most_made=1).start(replace(IMAGINE, count=2), quiet)
    assert [bought.fields["size"] for bought in vendor.bought] == ["1280x720"] * 2


def test_a_flavour_that_nobody_knows_is_for_staff_to_mend():
    with pytest.raises(ProviderError, match="misconfigured"):
        OpenAI(Config("http://127.0.0.1:1/v1", "", {"flavour": "dalle"}))


def test_a_gateway_without_models_can_do_nothing():
    assert OpenAI(Config("http://127.0.0.1:1/v1", "", {"flavour": "litellm"})).tools == frozenset()


def test_no_key_means_no_header():
    with OpenAIStub("vllm-omni") as stub:
        failed(provider_at(stub, key=""))
        assert "authorization" not in stub.asked[0].headers


# What a person writes is words, never orders to the server.


@pytest.mark.parametrize(
    "prompt",
    [
        'a cat <sd_cpp_extra_args>{"steps": 999}</sd_cpp_extra_args>',
        'a cat <SD_CPP_Extra_Args >{"steps": 999}</ sd_cpp_extra_args>',
        'a cat <sd_cpp_<sd_cpp_extra_args>extra_args>{"steps": 999}</sd_cpp_extra_args>',
        'a cat <sd_cpp_extra_args>{"steps": 999}',
        "<sd_cpp_<sd_cpp_extra_args></sd_cpp_extra_args>extra_args>a cat</sd_cpp_extra_args>",
    ],
)
def test_a_person_cannot_give_sd_cpp_parameters(prompt):
    with OpenAIStub("sd.cpp") as stub:
        provider_at(stub).start(replace(IMAGINE, prompt=f"{prompt} and a dog"), quiet)
        assert stub.bought[0].extra == {"seed": 7}
        assert stub.bought[0].fields["prompt"].lower().count("sd_cpp_extra_args") == 2


def test_a_prompt_of_nothing_but_parameters_is_no_prompt(openai):
    prompt = '<sd_cpp_extra_args>{"steps": 999}</sd_cpp_extra_args> '
    assert failed(openai, replace(IMAGINE, prompt=prompt)).code == "words_needed"


def test_a_prompt_made_to_be_slow_to_clean_is_cleaned_in_time():
    name = "sd_cpp_extra_args"
    nested = name[:9] * 1500 + name + name[9:] * 1500
    began = time.monotonic()
    for prompt in (f"<{name}>" * 1600, "<" + " " * 32_000, f"<{name}" + " " * 31_000, nested):
        assert name not in plain(prompt)
    assert time.monotonic() - began < 3


def test_ordinary_words_stay_as_they_are():
    assert plain("a <b> cat | 5 < 6, ёж\n") == "a <b> cat | 5 < 6, ёж\n"


def test_localai_gets_no_negative_prompt_from_a_person():
    with OpenAIStub("localai") as stub:
        provider_at(stub).start(replace(IMAGINE, prompt="black|white"), quiet)
        assert stub.bought[0].fields["prompt"] == "black/white"
        assert stub.mistakes == []


# What comes back.


def test_several_pictures_come_with_one_order(vendor, openai):
    assert openai.start(replace(IMAGINE, count=4), quiet).pictures == tuple(RESULTS)
    assert [bought.fields["n"] for bought in vendor.bought] == [4]


def test_missing_pictures_are_ordered_once_more(vendor, openai):
    vendor.fewer = 2
    done = openai.start(replace(IMAGINE, count=4), quiet)
    assert done.pictures == tuple(RESULTS)
    assert [bought.fields["n"] for bought in vendor.bought] == [4, 2, 1]
    assert done.cost == 3 * Decimal("10.2320")


def test_each_further_order_has_its_own_seed():
    with OpenAIStub("vllm-omni") as stub:
        provider_at(stub, most_made=1).start(replace(IMAGINE, count=3), quiet)
        assert [bought.fields["seed"] for bought in stub.bought] == [7, 8, 9]


def test_a_failure_after_the_first_picture_says_that_something_was_bought(vendor):
    provider = provider_at(vendor, most_made=1)
    good = {"data": [{"b64_json": base64.b64encode(RESULTS[0]).decode()}]}
    vendor.script(GENERATIONS, Answer(200, good), refused(500, "oops", "server_error"))
    error = failed(provider, replace(IMAGINE, count=2))
    assert (error.code, error.accepted) == ("transient", True)


@pytest.mark.parametrize("name", ["sglang", "localai"])
def test_pictures_by_address_come_from_the_servers_own_host(name):
    with OpenAIStub(name) as stub:
        stub.by_url = True
        assert provider_at(stub).start(IMAGINE, quiet).pictures == (RESULTS[0],)


def test_an_address_relative_to_the_server_and_a_data_url_are_addresses_too():
    text = base64.b64encode(RESULTS[1]).decode()
    rows = [{"url": "/files/0.png"}, {"url": f"data:image/png;base64,{text}"}]
    with OpenAIStub("sglang") as stub:
        stub.script(GENERATIONS, Answer(200, {"data": rows}))
        done = provider_at(stub).start(replace(IMAGINE, count=2), quiet)
    assert done.pictures == tuple(RESULTS[:2])


def test_pictures_by_address_come_only_from_listed_hosts(vendor):
    vendor.by_url = True
    error = failed(provider_at(vendor))
    assert (error.code, error.permanent, error.accepted) == ("no_image", True, True)
    assert provider_at(vendor, hosts=[vendor.url]).start(IMAGINE, quiet).pictures == (RESULTS[1],)


def test_the_cost_is_that_of_the_tokens(openai):
    # (20 x 5 + 300 x 8 + 4180 x 30) dollars a million, at 80 rubles.
    assert openai.start(EDIT, quiet) == Done((RESULTS[0],), "gpt-image-2", Decimal("10.2320"))


def test_the_cost_may_be_a_price_for_each_picture(vendor):
    provider = provider_at(vendor, prices={"picture": "0.04"})
    assert provider.start(replace(IMAGINE, count=2), quiet).cost == Decimal("6.4000")


def test_a_gateway_says_itself_what_it_cost():
    with OpenAIStub("litellm") as stub:
        stub.headers = {"x-litellm-response-cost": "0.0625"}
        assert provider_at(stub, prices=PRICES).start(IMAGINE, quiet).cost == Decimal("5.0000")


@pytest.mark.parametrize("options", [{}, {"prices": PRICES, "usd_rub": None}])
def test_without_prices_or_a_rate_the_cost_is_unknown(vendor, options):
    assert provider_at(vendor, **options).start(IMAGINE, quiet).cost is None


def test_a_usage_that_is_none_costs_an_unknown_sum(vendor, openai):
    good = {"data": [{"b64_json": base64.b64encode(RESULTS[0]).decode()}], "usage": {"x": 1}}
    vendor.script(GENERATIONS, Answer(200, good))
    assert openai.start(IMAGINE, quiet).cost is None


# Which models there are.


def test_the_models_that_are_served_can_be_listed(any_vendor):
    provider = provider_at(any_vendor)
    assert provider.listed_models() == set(KINDS[any_vendor.name].served)


def test_the_next_model_is_taken_where_one_is_no_longer_served(vendor, openai):
    vendor.served = ["gpt-image-2.5-flare"]
    assert openai.start(TRYON, quiet).model == "gpt-image-2.5-flare"
    assert openai.configured_models() - openai.listed_models() == {"gpt-image-2", "gpt-image-1.5"}


def test_no_model_left_is_for_staff_to_mend(vendor, openai):
    vendor.served = []
    error = failed(openai)
    assert (error.code, error.permanent, error.accepted) == ("misconfigured", True, False)


# What refusals mean.

REFUSALS = [
    (refused(400, "Your request was rejected", "moderation_blocked"), "policy"),
    (refused(400, "Rejected", None, type="image_generation_user_error"), "policy"),
    (refused(400, "litellm.ContentPolicyViolationError: no", "400"), "policy"),
    (refused(400, "litellm.BudgetExceededError: spent", "400"), "no_credits"),
    (refused(400, "Budget has been exceeded", "400", type="budget_exceeded"), "no_credits"),
    (refused(400, "Billing hard limit", "billing_hard_limit_reached"), "no_credits"),
    (refused(429, "You exceeded your quota", "insufficient_quota"), "no_credits"),
    (refused(400, "Invalid value", "invalid_value", param="size"), "misconfigured"),
    (refused(400, "Unknown parameter", "unknown_parameter", param="seed"), "misconfigured"),
    (refused(400, "Too long", "string_above_max_length", param="prompt"), "invalid_input"),
    (refused(400, "Bad picture", "invalid_value", param="image[1]"), "invalid_input"),
    (refused(400, "insufficient_quota, wrote the person", "odd"), "invalid_input"),
    (Answer(401, {"error": "no"}), "misconfigured"),
    (Answer(402, {"detail": "pay"}), "no_credits"),
    (refused(403, "Your organization must be verified", None), "misconfigured"),
    (refused(404, "The model does not exist", "model_not_found"), "misconfigured"),
    (Answer(413, b"<html>too large"), "invalid_input"),
    (Answer(422, {"detail": [{"loc": ["body", "prompt"], "msg": "bad"}]}), "invalid_input"),
    (Answer(302, b"", {"Location": "http://127.0.0.1/"}), "misconfigured"),
]


@pytest.mark.parametrize(("answer", "code"), REFUSALS)
def test_a_refusal_will_not_change_and_nothing_was_ordered(vendor, answer, code):
    vendor.script(GENERATIONS, answer)
    provider = provider_at(vendor, models={"imagine": "gpt-image-2"})
    error = failed(provider)
    assert (error.code, error.permanent, error.accepted) == (code, True, False)
    assert len(error.detail) <= 500
    assert len(vendor.asked) == 1


@pytest.mark.parametrize(
    ("answer", "code", "wait"),
    [
        (refused(429, "Slow down", "rate_limit_exceeded", headers={"Retry-After": "7"}),
         "rate_limited", 7.0),
        (Answer(429, b"", {"Retry-After": "12.5"}), "rate_limited", 12.5),
        (refused(500, "The server had an error", "server_error"), "transient", None),
        (Answer(503, b"overloaded"), "transient", None),
    ],
)  # fmt: skip
def test_a_passing_refusal_may_be_ordered_anew(vendor, openai, answer, code, wait):
    vendor.script(EDITS, answer)
    error = failed(openai, EDIT)
    assert (error.code, error.permanent, error.accepted) == (code, False, False)
    assert error.wait == wait


@pytest.mark.parametrize(
    "behaviour", [HANG, RESET, HTML, Answer(502, b"bad gateway"), Answer(504), Answer(200, [1]),
                  Answer(200, {"error": "something broke"})],
    ids=["hang", "reset", "html", "502", "504", "list", "error inside"],
)  # fmt: skip
def test_where_nobody_knows_nothing_is_ordered_twice(vendor, behaviour):
    vendor.script(GENERATIONS, behaviour)
    error = failed(provider_at(vendor, read_seconds=0.3))
    assert (error.code, error.permanent, error.accepted) == ("outcome_unknown", False, None)
    assert len(vendor.asked) == 1


def test_an_address_where_nobody_listens_took_no_order():
    error = failed(OpenAI(Config("http://127.0.0.1:9/v1", KEY, {"connect_seconds": 0.5})))
    assert (error.code, error.accepted) == ("transient", False)


def test_an_error_inside_a_success_is_an_error(vendor, openai):
    inside = refused(200, "blocked", "moderation_blocked")
    vendor.script(GENERATIONS, inside)
    assert failed(openai).code == "policy"


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"data": []},
        {"data": None},
        {"data": "pictures"},
        {"data": [{}]},
        {"data": ["picture"]},
        {"data": [{"b64_json": None, "url": None}]},
        {"data": [{"b64_json": "*** not base64 ***"}]},
        {"data": [{"b64_json": base64.b64encode(b"<html>oops").decode()}]},
        {"data": [{"b64_json": 12}]},
        {"data": [{"url": "http://169.254.169.254/latest/meta-data"}]},
        {"data": [{"url": "file:///etc/passwd"}]},
    ],
)
def test_an_answer_without_a_usable_picture_was_an_order_all_the_same(vendor, openai, body):
    vendor.script(GENERATIONS, Answer(200, body))
    error = failed(openai)
    assert (error.code, error.accepted, len(vendor.asked)) == ("no_image", True, 1)


def test_html_behind_an_address_is_no_picture(vendor):
    vendor.by_url = True
    vendor.script("/files/0.png", HTML)
    assert failed(provider_at(vendor, hosts=[vendor.url])).code == "no_image"


# What is refused before anything is asked.


@pytest.mark.parametrize(
    ("order", "code"),
    [
        (replace(TRYON, pictures=(PERSON,)), "two_photos_needed"),
        (replace(EDIT, pictures=()), "photo_needed"),
        (replace(IMAGINE, prompt="  "), "words_needed"),
        (replace(IMAGINE, aspect="21:9"), "size_unknown"),
        (replace(IMAGINE, count=0), "size_unknown"),
        (replace(IMAGINE, prompt="a" * 32_001), "invalid_input"),
        (replace(EDIT, pictures=(PERSON,) * 17), "invalid_input"),
        (replace(EDIT, pictures=(b"GIF89a",)), "invalid_input"),
        (replace(IMAGINE, tool="dance"), "tool_unknown"),
    ],
)
def test_what_cannot_be_done_is_said_before_the_server_is_asked(vendor, openai, order, code):
    error = failed(openai, order)
    assert (error.code, error.accepted, vendor.asked) == (code, False, [])


def test_it_needs_no_place_and_keeps_nothing_to_ask_after(openai):
    assert openai.locate(PERSON, "head") == Fit(None)
    with pytest.raises(ProviderError, match="outcome_unknown"):
        openai.check("x", IMAGINE, quiet)


def test_progress_is_told_and_a_job_that_is_no_longer_ours_stops_the_rest(vendor):
    class Gone(Exception):
        pass

    def report(percent: int, stage: str) -> None:
        if percent >= 50:
            raise Gone

    with pytest.raises(Gone):
        provider_at(vendor, most_made=1).start(replace(IMAGINE, count=2), report)
    assert len(vendor.bought) == 1
