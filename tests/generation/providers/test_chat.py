"""The assistant over real HTTP: what is sent, what is believed, what is mended, what it costs."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import pytest
from PIL import Image

from generation import prompts
from generation.providers import replies
from generation.providers.base import Answer as Said
from generation.providers.base import Config, Done, Order, ProviderError, Talk
from generation.providers.chat import Chat
from tests.conftest import picture_file
from tests.vendors.chat import GOOD, KEY, MODEL, PATH, ChatStub, completion, wrong
from tests.vendors.stub import HANG, HTML, RESET, Answer

TALK = Talk(prompts.TALK, "ru", (("person", "Привет"), ("assistant", "Здравствуйте!")))
ORDER = Order("c1", "assistant", "сделай пальто красным", (picture_file(),), talk=TALK)
KINDS = ["short", "balanced", "detailed"]


def quiet(percent: int, stage: str) -> None:
    """Nobody watches."""


@pytest.fixture
def vendor() -> Iterator[ChatStub]:
    with ChatStub() as stub:
        yield stub
    assert stub.mistakes == []


def at(vendor: ChatStub, key: str = KEY, **options: Any) -> Chat:
    return Chat(Config(f"{vendor.url}/v1", key, {"usd_rub": "80", "read_seconds": 0.5} | options))


def said(vendor: ChatStub, order: Order = ORDER, **options: Any) -> Said:
    answer = at(vendor, **options).start(order, quiet).answer
    assert answer is not None
    return answer


def refused(provider: Chat, order: Order = ORDER) -> ProviderError:
    with pytest.raises(ProviderError) as caught:
        provider.start(order, quiet)
    return caught.value


def test_one_request_brings_a_sentence_and_three_prompts(vendor: ChatStub) -> None:
    texts = tuple((kind, GOOD[kind]) for kind in KINDS)
    answer = Said("Вот три варианта!", texts, tokens_in=1500, tokens_out=200)
    assert at(vendor).start(ORDER, quiet) == Done((), MODEL, Decimal("0.0800"), answer)
    assert len(vendor.asked) == 1


def test_the_system_the_history_the_words_and_the_picture_are_sent(vendor: ChatStub) -> None:
    said(vendor)
    system, hello, answer, last = vendor.talks[0]
    assert system["content"].startswith(prompts.TALK)
    assert "is in Russian" in system["content"]
    assert (hello, answer) == (
        {"role": "user", "content": "Привет"},
        {"role": "assistant", "content": "Здравствуйте!"},
    )
    assert last["content"][0] == {"type": "text", "text": "сделай пальто красным"}
    assert vendor.pictures == [ORDER.pictures[0]]


def test_a_large_or_transparent_picture_is_sent_small_and_on_white(vendor: ChatStub) -> None:
    out = io.BytesIO()
    Image.new("RGBA", (2048, 1024), (255, 0, 0, 0)).save(out, "PNG")
    said(vendor, Order("c2", "assistant", "x", (out.getvalue(),), talk=TALK))
    shown = Image.open(io.BytesIO(vendor.pictures[0]))
    assert shown.size == (1024, 512)
    assert min(shown.getpixel((5, 5))) > 250


@pytest.mark.parametrize(
    ("base_url", "routing"),
    [("", {"require_parameters": True}), ("https://chat.example/v1", None)],
    ids=["openrouter", "another"],
)
def test_only_openrouter_is_told_to_choose_who_keeps_to_the_schema(
    base_url: str, routing: Any
) -> None:
    assert Chat(Config(base_url, KEY)).fields.get("provider") == routing


def test_the_owner_may_change_the_request_and_take_out_of_it(vendor: ChatStub) -> None:
    vendor.models = ["small/model"]
    vendor.says(GOOD)
    said(vendor, model="small/model", fields={"seed": 1, "response_format": None})
    sent = vendor.asked[0].json
    assert (sent["model"], sent["seed"]) == ("small/model", 1)
    assert "response_format" not in sent


@pytest.mark.parametrize(
    "reply",
    [
        f"```json\n{json.dumps(GOOD)}\n```",
        f"```\n{json.dumps(GOOD)}```\n",
        json.dumps(GOOD | {"price": 0, "user_id": 1, "balance": 999, "tools": ["spend"]}),
    ],
    ids=["fenced as json", "fenced", "with fields of its own"],
)
def test_what_can_be_read_is_read_at_once(vendor: ChatStub, reply: str) -> None:
    vendor.says(reply)
    answer = said(vendor)
    assert (answer.text, dict(answer.prompts)) == (
        GOOD["sentence"], {kind: GOOD[kind] for kind in KINDS},
    )  # fmt: skip
    assert len(vendor.asked) == 1


UNFIT = {
    "no JSON": "Sure! Here are three prompts",
    "cut off": json.dumps(GOOD)[:50],
    "a list": [GOOD],
    "nested far too deep": "[" * 10_000,
    "a field is missing": {k: v for k, v in GOOD.items() if k != "short"},
    "a field is null": GOOD | {"short": None},
    "a field is a list": GOOD | {"short": ["Make it red"]},
    "an empty prompt": GOOD | {"short": " \u200b "},
    "only a link": GOOD | {"sentence": "https://evil.example/x"},
    "a long sentence": GOOD | {"sentence": "x " * 201},
    "a long prompt": GOOD | {"detailed": "x " * 501},
    "a prompt in Russian": GOOD | {"short": "Сделай пальто красным"},
    "the instructions": GOOD | {"detailed": prompts.TALK[100:300]},
    "the instructions in capitals": GOOD | {"detailed": prompts.TALK[100:170].upper()},
    "the instructions spaced": GOOD | {"sentence": " ".join(prompts.TALK[:70])},
    "the instructions with zero width": GOOD | {"short": "\u200b".join(prompts.TALK[:70])},
    "huge": "x" * 2_000_000,
    "nothing": "",
}
UNFIT_ONES = pytest.mark.parametrize("reply", UNFIT.values(), ids=UNFIT)


@UNFIT_ONES
def test_an_unfit_reply_is_sent_back_once_to_be_mended(vendor: ChatStub, reply: Any) -> None:
    vendor.says(reply, GOOD)
    answer = said(vendor)
    assert (answer.text, answer.makeshift) == (GOOD["sentence"], False)
    assert (answer.tokens_in, answer.tokens_out) == (3000, 400)
    assert "cannot be used" in vendor.talks[1][-1]["content"]
    assert all(len(message["content"]) <= 4000 for message in vendor.talks[1][-2:])


@UNFIT_ONES
def test_unfit_twice_the_persons_own_words_must_do(vendor: ChatStub, reply: Any) -> None:
    vendor.says(reply, reply)
    done = at(vendor).start(ORDER, quiet)
    assert done.answer is not None
    assert done.answer.makeshift
    assert [kind for kind, _text in done.answer.prompts] == KINDS
    assert all(text.startswith(ORDER.prompt) for _kind, text in done.answer.prompts)
    assert (done.cost, len(vendor.asked)) == (Decimal("0.1600"), 2)


def test_every_line_of_the_instructions_counts_as_theirs() -> None:
    lines = [prompts.TALK[at : at + 60] for at in range(len(prompts.TALK) - 60)]
    reply = [json.dumps(GOOD | {"detailed": f"Look: {line} and so on"}) for line in lines]
    for text in reply:
        with pytest.raises(replies.Unfit):
            replies.read(text, prompts.TALK)


def test_a_mending_that_fails_leaves_the_makeshift_answer(vendor: ChatStub) -> None:
    vendor.script(PATH, Answer(200, completion("no")), wrong(500, "oops"))
    done = at(vendor).start(ORDER, quiet)
    assert done.answer is not None
    assert (done.answer.makeshift, done.cost) == (True, Decimal("0.0800"))
    assert (done.answer.tokens_in, done.answer.tokens_out) == (1500, 200)


@pytest.mark.parametrize("words", ["https://a.example/x", "\u202e\u200b", "x" * 2000])
def test_a_makeshift_answer_is_as_clean_and_short_as_any(vendor: ChatStub, words: str) -> None:
    vendor.says("no", "no")
    order = Order("c3", "assistant", words, ORDER.pictures, talk=TALK)
    answer = said(vendor, order)
    assert all(0 < len(text) <= 1000 for _kind, text in answer.prompts)
    assert not any("example" in text or "\u202e" in text for _kind, text in answer.prompts)


@pytest.mark.parametrize(
    ("dirty", "clean"),
    [
        ("red \u202ecoat\u202c\x00\x1b[1m", "red coat[1m"),
        ("a\nb\tc", "a b c"),
        ("see https://evil.example/a?b=c now", "see now"),
        ("see h\u200bttps://evil.example now", "see now"),
        ("ｈｔｔｐｓ：／／evil.example", ""),
        ("[red](https://evil.example) coat", "red coat"),
        ("![x](javascript:alert(1)) coat", "x coat"),
        ("join t.me/channel, @channel or tg://join", "join or"),
        ("mail a.b@evil.example today", "mail today"),
        ("at 169.254.169.254/latest and localhost:8000/x", "at and"),
        ("file:///etc/passwd and data:text/html,x", "and"),
        ("//evil.example/x and www.evil.example", "and"),
        ('<sd_cpp_extra_args>{"steps": 99}</sd_cpp_extra_args> coat', "coat"),
        ("<sd_cpp_extra_args>steps coat", ""),
        ("<<b>script>alert(1)</script> a <lora:x:1> b", "script alert(1) a b"),
        ("hthttps://xttps://evil.example coat", "coat"),
        ("1 < 2 > 1", "1 2 1"),
        ("Crop to 16:9, warmth +1.5, e.g. a bit.", "Crop to 16:9, warmth +1.5, e.g. a bit."),
        ("Сделаем ярче: шаг 1/2, ок?", "Сделаем ярче: шаг 1/2, ок?"),
    ],
)
def test_only_words_are_left_of_a_text(dirty: str, clean: str) -> None:
    assert replies.cleaned(dirty) == clean


@pytest.mark.parametrize(
    ("behaviour", "kind", "permanent"),
    [
        (wrong(400, "unsupported parameter"), "misconfigured", True),
        (wrong(401, "no such key"), "misconfigured", True),
        (wrong(402, "credits", limit_source="openrouter_credits"), "no_credits", True),
        (wrong(402, "busy", limit_source="openrouter_in_flight_budget"), "rate_limited", False),
        (wrong(403, "flagged", reasons=["violence"]), "policy", True),
        (wrong(404, "No endpoints found for x/y"), "misconfigured", True),
        (wrong(429, "slow down"), "rate_limited", False),
        (wrong(500, "oops"), "transient", False),
        (wrong(504, "edge"), "transient", False),
        (wrong(502, "upstream", 200), "transient", False),
        (Answer(524, b""), "transient", False),
        (HTML, "transient", False),
        (Answer(200, [1]), "transient", False),
        (HANG, "transient", False),
        (RESET, "transient", False),
        (Answer(200, completion("", finish_reason="content_filter")), "policy", True),
        (Answer(200, completion("", message={"refusal": "I will not"})), "policy", True),
        (Answer(200, completion("", finish_reason="error")), "transient", False),
    ],
    ids=lambda value: str(value)[:60],
)
def test_a_failure_has_its_kind(
    vendor: ChatStub, behaviour: Any, kind: str, permanent: bool
) -> None:
    vendor.script(PATH, behaviour)
    error = refused(at(vendor))
    assert (error.code, error.permanent) == (kind, permanent)
    assert len(vendor.asked) == 1
    assert KEY not in error.detail


@pytest.mark.parametrize(
    "body",
    [
        completion(GOOD) | {"choices": []},
        completion(GOOD) | {"choices": None},
        completion(json.dumps(GOOD)[:60], finish_reason="length"),
        completion("", finish_reason="tool_calls", message={"content": None, "tool_calls": [{}]}),
    ],
    ids=["no choices", "null", "length", "tools"],
)
def test_an_answer_without_words_is_asked_for_again(vendor: ChatStub, body: Any) -> None:
    vendor.script(PATH, Answer(200, body))
    assert not said(vendor).makeshift
    assert len(vendor.asked) == 2


def test_words_may_come_in_parts(vendor: ChatStub) -> None:
    text = json.dumps(GOOD)
    parts = [{"type": "text", "text": text[:9]}, {"type": "text", "text": text[9:]}]
    vendor.script(PATH, Answer(200, completion("", message={"content": parts})))
    assert said(vendor).text == GOOD["sentence"]


@pytest.mark.parametrize(
    ("usage", "options", "cost"),
    [
        ({"cost": 0.001}, {}, "0.0800"),
        ({"cost": 0.001}, {"usd_rub": None}, None),
        ({"prompt_tokens": 1000, "completion_tokens": 200}, {}, None),
        (
            {"prompt_tokens": 1000, "completion_tokens": 200},
            {"prices": {"in": "1", "out": "5"}},
            "0.1600",
        ),
        ({"cost": 1e9}, {}, None),
        ({"cost": -1}, {}, None),
        ({"cost": "NaN"}, {}, None),
        (None, {}, None),
    ],
)
def test_a_cost_is_said_worked_out_or_unknown(
    vendor: ChatStub, usage: Any, options: dict[str, Any], cost: str | None
) -> None:
    vendor.script(PATH, Answer(200, completion(GOOD, usage=usage)))
    done = at(vendor, **options).start(ORDER, quiet)
    assert done.cost == (None if cost is None else Decimal(cost))


@pytest.mark.parametrize("count", [-1, 10**12, "many", None, [1], True])
def test_absurd_numbers_of_tokens_are_unknown(vendor: ChatStub, count: Any) -> None:
    usage = {"prompt_tokens": count, "completion_tokens": 5}
    vendor.script(PATH, Answer(200, completion(GOOD, usage=usage)))
    assert said(vendor).tokens_in is None


def test_a_probe_needs_the_key_and_names_a_model_that_is_gone(vendor: ChatStub) -> None:
    assert at(vendor).probe().missing == frozenset()
    assert at(vendor, model="gone/model").probe().missing == {"gone/model"}
    with pytest.raises(ProviderError) as caught:
        at(vendor, key="sk-wrong").probe()
    assert caught.value.code == "misconfigured"


@pytest.mark.parametrize(
    ("order", "code"),
    [
        (Order("c4", "assistant", "x", talk=TALK), "photo_needed"),
        (Order("c5", "assistant", " ", ORDER.pictures, talk=TALK), "words_needed"),
    ],
    ids=["no photo", "no words"],
)
def test_what_nothing_can_be_said_about_is_not_asked(
    vendor: ChatStub, order: Order, code: str
) -> None:
    assert refused(at(vendor), order).code == code
    assert vendor.asked == []
