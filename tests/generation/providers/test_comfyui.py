"""ComfyUI over real HTTP and a real socket: what is sent, what comes back, what failures mean."""

from __future__ import annotations

import io
import json
import sys
from dataclasses import replace
from typing import Any

import pytest
from PIL import Image

from generation.providers import comfyui
from generation.providers.base import Config, Done, Fit, Order, ProviderError, Waiting
from generation.providers.comfyui import PENDING, RUNNING, ComfyUI
from tests.conftest import picture_file
from tests.vendors.comfyui import ComfyUIStub
from tests.vendors.stub import HANG, HTML, RESET, Answer

PERSON, ITEM = picture_file("teal"), picture_file("gold", kind="PNG")
CODE = "8513166f-9e84-40a5-80eb-b2effbe43fe3"
OTHER = "263a3048-5085-419e-8b1f-abdbab1b99f4"
TRYON = Order(CODE, "tryon", "put the coat on", (PERSON, ITEM), seed=7)
EDIT = Order(CODE, "edit", "make it night", (PERSON,), seed=7)
IMAGINE = Order(CODE, "imagine", "a lighthouse", aspect="16:9", seed=7)


def node(kind: str, **inputs: Any) -> dict[str, Any]:
    return {"class_type": kind, "inputs": inputs}


END = {
    "6": node("CLIPTextEncode", text="", clip=["4", 1]),
    "8": node("VAEDecode", samples=["3", 0]),
    "9": node("SaveImage", images=["8", 0], filename_prefix="studio"),
    "4": node("CheckpointLoaderSimple", ckpt_name="model.safetensors"),
}
PAINT = END | {
    "3": node("KSampler", seed=1, steps=20, latent_image=["5", 0], positive=["6", 0]),
    "5": node("EmptyLatentImage", width=512, height=512, batch_size=1),
}
CHANGE = END | {
    "3": node("KSampler", seed=1, steps=20, latent_image=["5", 0], positive=["6", 0]),
    "5": node("VAEEncode", pixels=["10", 0]),
    "10": node("LoadImage", image="absent.png"),
}
WEAR = CHANGE | {
    "11": node("LoadImage", image="absent.png"),
    "12": node("PreviewImage", images=["11", 0]),
}
WORDS = {"prompt": ["6", "text"], "seed": ["3", "seed"]}
SIZE = {"width": ["5", "width"], "height": ["5", "height"], "count": ["5", "batch_size"]}
FLOWS = {
    "imagine": {"graph": PAINT, "inputs": WORDS | SIZE, "model": "sd15"},
    "edit": {"graph": json.dumps(CHANGE), "inputs": WORDS | {"base": ["10", "image"]}},
    "tryon": {
        "graph": WEAR,
        "inputs": WORDS | {"person": [["10", "image"]], "item": ["11", "image"]},
    },
}


def quiet(percent: int, stage: str) -> None:
    """Nobody watches."""


@pytest.fixture
def vendor():
    with ComfyUIStub() as stub:
        yield stub
    assert stub.mistakes == []


@pytest.fixture
def comfy(vendor: ComfyUIStub) -> ComfyUI:
    return comfy_at(vendor)


def comfy_at(vendor: ComfyUIStub, key: str = "", **options: Any) -> ComfyUI:
    usual = {"workflows": FLOWS, "read_seconds": 0.3, "gone_seconds": 0.05}
    return ComfyUI(Config(vendor.url, key, usual | options))


def with_flow(vendor: ComfyUIStub, tool: str, **changes: Any) -> ComfyUI:
    return comfy_at(vendor, workflows=FLOWS | {tool: FLOWS[tool] | changes})


def refused(provider: ComfyUI, order: Order = IMAGINE) -> ProviderError:
    with pytest.raises(ProviderError) as caught:
        provider.start(order, quiet)
    return caught.value


def ended(provider: ComfyUI, order: Order = IMAGINE) -> ProviderError:
    ref = provider.start(order, quiet).ref
    with pytest.raises(ProviderError) as caught:
        provider.check(ref, order, quiet)
    return caught.value


@pytest.mark.parametrize("order", [TRYON, EDIT, IMAGINE], ids=lambda order: order.tool)
def test_every_tool_goes_from_the_order_to_the_picture(vendor, comfy, order):
    waiting = comfy.start(order, quiet)
    done = comfy.check(waiting.ref, order, quiet)
    prompt = vendor.prompts[CODE]
    assert waiting == Waiting(CODE, 1.5, PENDING)
    assert vendor.loaded() == list(order.pictures)
    assert prompt.of("CLIPTextEncode")["text"] == order.prompt
    assert prompt.of("KSampler")["seed"] == 7
    model = "sd15" if order.tool == "imagine" else "comfyui"
    assert done == Done((vendor.results[0],), model, None)


def test_a_picture_is_painted_in_the_shape_that_was_asked_for(vendor, comfy):
    comfy.start(replace(IMAGINE, count=3), quiet)
    latent = vendor.prompts[CODE].of("EmptyLatentImage")
    assert (latent["width"], latent["height"], latent["batch_size"]) == (1368, 768, 3)
    assert len(comfy.check(CODE, replace(IMAGINE, count=3), quiet).pictures) == 3


def test_the_name_that_an_upload_got_is_the_one_that_is_loaded(vendor, comfy):
    vendor.files[f"studio/{CODE}-base.jpeg"] = b"somebody else's"
    comfy.start(EDIT, quiet)
    assert vendor.prompts[CODE].of("LoadImage")["image"] == f"studio/{CODE}-base (1).jpeg"
    assert vendor.loaded() == [PERSON]


def test_photos_may_be_kept_only_until_comfyui_starts_again(vendor):
    comfy_at(vendor, upload_type="temp").start(EDIT, quiet)
    assert vendor.prompts[CODE].of("LoadImage")["image"] == f"studio/{CODE}-base.jpeg [temp]"


def test_a_mask_is_white_and_transparent_where_the_frame_is(vendor):
    graph = WEAR | {"13": node("LoadImageMask", image="absent.png", channel="red")}
    inputs = FLOWS["tryon"]["inputs"] | {"mask": ["13", "image"]}
    comfy = with_flow(vendor, "tryon", graph=graph, inputs=inputs)
    comfy.start(replace(TRYON, box=(0.25, 0.25, 0.5, 0.5)), quiet)
    mask = Image.open(io.BytesIO(vendor.loaded("LoadImageMask")[0]))
    assert mask.size == (320, 400)
    assert mask.getpixel((160, 200)) == (255, 255, 255, 0)
    assert mask.getpixel((10, 200)) == (0, 0, 0, 255)


def test_a_place_is_asked_for_only_where_there_is_a_mask(vendor, comfy):
    inputs = FLOWS["tryon"]["inputs"] | {"mask": ["11", "image"]}
    assert comfy.locate(PERSON, "face") == Fit(None)
    assert with_flow(vendor, "tryon", inputs=inputs).locate(PERSON, "face").reason == "no_person"


def test_a_queued_and_a_running_order_are_waited_for(vendor, comfy):
    vendor.course = ["pending", "running", "done"]
    comfy.start(IMAGINE, quiet)
    looks = [comfy.check(CODE, IMAGINE, quiet) for _ in range(3)]
    assert [look.percent for look in looks[:2]] == [PENDING, RUNNING]
    assert isinstance(looks[2], Done)


@pytest.mark.parametrize("state", ["pending", "running", "done"])
def test_an_order_that_was_placed_before_is_found_wherever_it_is(vendor, comfy, state):
    assert comfy.find(IMAGINE) is None
    vendor.course = [state]
    comfy.start(IMAGINE, quiet)
    assert comfy.find(IMAGINE) == CODE
    assert comfy.find(replace(IMAGINE, code=OTHER)) is None


def test_an_order_that_failed_may_be_made_anew(vendor, comfy):
    vendor.course = ["error"]
    assert ended(comfy).code == "transient"
    assert comfy.find(IMAGINE) is None
    vendor.course = ["done"]
    comfy.start(IMAGINE, quiet)
    assert isinstance(comfy.check(CODE, IMAGINE, quiet), Done)


def test_an_order_that_is_nowhere_is_lost_and_may_be_made_elsewhere(vendor, comfy):
    vendor.course = ["gone"]
    error = ended(comfy)
    assert (error.code, error.accepted, error.permanent) == ("transient", False, False)


def test_an_order_that_moves_between_two_looks_is_not_lost(vendor, comfy):
    comfy.start(IMAGINE, quiet)
    vendor.script("/queue", Answer(200, {"queue_running": [], "queue_pending": []}))
    vendor.prompts[CODE].course, vendor.prompts[CODE].state = ["done"], "pending"
    assert isinstance(comfy.check(CODE, IMAGINE, quiet), Done)


@pytest.mark.parametrize(
    ("said", "code", "permanent"),
    [
        ("CUDA out of memory. Tried to allocate", "transient", False),
        ("Allocation on device 0 would exceed", "transient", False),
        ("cannot identify: UnidentifiedImageError", "invalid_input", True),
        ("NSFW content found", "policy", True),
        ("no face found", "invalid_input", True),
        ("index 3 is out of bounds", "transient", False),
    ],
)
def test_a_node_that_fails_is_told_by_its_words(vendor, said, code, permanent):
    vendor.course, vendor.error["exception_message"] = ["error"], said
    error = ended(comfy_at(vendor, errors={"No face": "invalid_input"}))
    assert (error.code, error.permanent, error.accepted) == (code, permanent, True)


def test_traceback_and_tensors_are_never_kept(vendor, comfy):
    vendor.course, vendor.error["exception_message"] = ["error"], "x\n" * 5000
    error = ended(comfy)
    assert error.detail.startswith("execution_error 3 KSampler Exception x x")
    assert "SECRET" not in error.detail
    assert len(error.detail) <= 500


def test_an_interrupted_order_passes(vendor, comfy):
    vendor.course = ["interrupted"]
    error = ended(comfy)
    assert (error.code, error.accepted) == ("transient", True)
    assert error.detail == "execution_interrupted 3 KSampler"


def test_a_pending_order_is_taken_out_and_a_running_one_stopped(vendor, comfy):
    vendor.course = ["pending"]
    comfy.start(IMAGINE, quiet)
    comfy.start(replace(IMAGINE, code=OTHER), quiet)
    vendor.prompts[OTHER].state, vendor.prompts[OTHER].course = "running", []
    comfy.cancel(CODE)
    comfy.cancel(OTHER)
    assert CODE not in vendor.prompts
    assert vendor.prompts[OTHER].state == "interrupted"


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"class_type": "NoSuchNode"}, "node NoSuchNode does not exist."),
        ({"inputs": {"ckpt_name": "x"}}, "node 4 CheckpointLoaderSimple: ckpt_name: 'x' not in []"),
    ],
)
def test_a_workflow_that_is_refused_is_for_staff(vendor, change, said):
    graph = PAINT | {"4": PAINT["4"] | change}
    error = refused(with_flow(vendor, "imagine", graph=graph))
    assert (error.code, error.accepted) == ("misconfigured", False)
    assert said in error.detail


def test_a_fork_that_refuses_in_a_plain_string_is_understood(vendor, comfy):
    vendor.script("/prompt", Answer(400, {"error": "no such model"}))
    error = refused(comfy)
    assert (error.code, error.detail) == ("misconfigured", "no such model")


def test_an_error_inside_a_200_is_a_refusal(vendor, comfy):
    vendor.script("/prompt", Answer(200, {"error": {"message": "queue is closed"}}))
    error = refused(comfy)
    assert (error.code, error.accepted) == ("misconfigured", False)


@pytest.mark.parametrize("errors", [{"9": {}}, {"8": {"dependent_outputs": ["9"]}}])
def test_a_200_whose_picture_will_not_come_is_stopped_and_refused(vendor, comfy, errors):
    vendor.node_errors = errors
    assert refused(comfy).code == "misconfigured"
    assert vendor.prompts == {}


def test_a_200_with_errors_beside_our_picture_goes_on(vendor, comfy):
    vendor.node_errors = {"12": {"class_type": "PreviewImage", "dependent_outputs": ["12"]}}
    comfy.start(TRYON, quiet)
    assert isinstance(comfy.check(CODE, TRYON, quiet), Done)


@pytest.mark.parametrize(
    "behaviour", [HANG, RESET, HTML, Answer(502), Answer(504), Answer(200, {})]
)
def test_an_order_whose_answer_got_lost_is_looked_up_not_repeated(vendor, comfy, behaviour):
    vendor.script("/prompt", behaviour)
    assert comfy.start(IMAGINE, quiet).ref == CODE
    with pytest.raises(ProviderError) as caught:
        comfy.check(CODE, IMAGINE, quiet)
    assert (caught.value.code, caught.value.accepted) == ("transient", False)
    assert len(vendor.requests_to("/prompt")) == 1


@pytest.mark.parametrize(
    ("behaviour", "code", "wait"),
    [
        (Answer(401), "misconfigured", None),
        (Answer(402), "no_credits", None),
        (Answer(413), "invalid_input", None),
        (Answer(429, b"", {"Retry-After": "9"}), "rate_limited", 9),
        (Answer(500), "transient", None),
        (Answer(503), "transient", None),
    ],
)
def test_a_refused_order_was_not_taken(vendor, comfy, behaviour, code, wait):
    vendor.script("/prompt", behaviour)
    error = refused(comfy)
    assert (error.code, error.accepted, error.wait) == (code, False, wait)


@pytest.mark.parametrize("behaviour", [HANG, RESET, HTML, Answer(503), Answer(200, {})])
def test_a_failed_upload_leaves_nothing_ordered(vendor, comfy, behaviour):
    vendor.script("/upload/image", behaviour)
    error = refused(comfy, EDIT)
    assert (error.code, error.accepted) == ("transient", False)
    assert vendor.prompts == {}


@pytest.mark.parametrize("path", ["/queue", f"/history/{CODE}", "/view"])
@pytest.mark.parametrize("behaviour", [HANG, RESET, Answer(429), Answer(503)])
def test_a_question_that_fails_is_asked_again(vendor, comfy, path, behaviour):
    comfy.start(IMAGINE, quiet)
    vendor.script(path, behaviour)
    assert isinstance(comfy.check(CODE, IMAGINE, quiet), Waiting)
    assert isinstance(comfy.check(CODE, IMAGINE, quiet), Done)


@pytest.mark.parametrize("path", ["/queue", f"/history/{CODE}"])
def test_html_instead_of_an_answer_is_asked_again(vendor, comfy, path):
    comfy.start(IMAGINE, quiet)
    vendor.script(path, HTML)
    assert isinstance(comfy.check(CODE, IMAGINE, quiet), Waiting)


@pytest.mark.parametrize("behaviour", [HTML, Answer(404), Answer(200, b"")])
def test_a_file_that_is_no_picture_is_no_image(vendor, comfy, behaviour):
    comfy.start(IMAGINE, quiet)
    vendor.script("/view", behaviour)
    with pytest.raises(ProviderError) as caught:
        comfy.check(CODE, IMAGINE, quiet)
    assert (caught.value.code, caught.value.accepted) == ("no_image", True)


def test_a_picture_may_be_only_so_large(vendor, comfy, monkeypatch):
    monkeypatch.setattr(comfyui, "PICTURE_BYTES", 100)
    assert ended(comfy).code == "no_image"


@pytest.mark.parametrize("results", [[], ["one"]])
def test_fewer_pictures_than_asked_for_are_no_image(vendor, comfy, results):
    vendor.results = results
    error = ended(comfy, replace(IMAGINE, count=2))
    assert (error.code, error.accepted) == ("no_image", True)


def test_a_success_without_pictures_is_no_image(vendor, comfy):
    vendor.course = ["cached"]
    assert ended(comfy).code == "no_image"


def test_a_server_that_is_down_took_nothing():
    gone = ComfyUI(Config("http://127.0.0.1:9", options={"workflows": FLOWS}))
    error = refused(gone)
    assert (error.code, error.accepted) == ("transient", False)


def progress(prompt_id: str, **nodes: tuple[float, float, str]) -> tuple[str, dict[str, Any]]:
    states = {
        name.removeprefix("n"): {"value": value, "max": most, "state": state}
        for name, (value, most, state) in nodes.items()
    }
    return "progress_state", {"prompt_id": prompt_id, "nodes": states}


def test_the_socket_tells_how_far_it_really_is(vendor):
    seen: list[int] = []
    vendor.course = ["running", "running"]
    vendor.events = [
        ("status", {"status": {"exec_info": {"queue_remaining": 1}}, "sid": CODE}),
        b"\x00\x00\x00\x01\x00\x00\x00\x01preview",
        progress(OTHER, n9=(1, 1, "finished")),
        progress(CODE, n3=(5, 20, "running")),
        progress(CODE, n3=(20, 20, "finished"), n8=(0, 1, "running")),
        b"",
    ]
    comfy = comfy_at(vendor, socket=True, socket_seconds=0.6)
    comfy.start(IMAGINE, quiet)
    waiting = comfy.check(CODE, IMAGINE, lambda percent, stage: seen.append(percent))
    assert seen == [32, 92]
    assert waiting.percent == 92


def test_the_end_on_the_socket_fetches_the_picture_at_once(vendor):
    vendor.course = ["running"]
    vendor.events = [
        progress(CODE, n3=(20, 20, "finished")),
        ("execution_success", {"prompt_id": CODE}),
    ]
    comfy = comfy_at(vendor, socket=True, socket_seconds=5)
    comfy.start(IMAGINE, quiet)

    def finish(percent: int, stage: str) -> None:
        vendor.prompts[CODE].state = "done"

    assert isinstance(comfy.check(CODE, IMAGINE, finish), Done)


@pytest.mark.parametrize("behaviour", [RESET, HTML, Answer(404), Answer(101, b"nonsense")])
def test_without_the_socket_the_queue_is_asked(vendor, behaviour):
    vendor.course = ["running"]
    vendor.script("/ws", behaviour)
    comfy = comfy_at(vendor, socket=True, socket_seconds=0.5)
    comfy.start(IMAGINE, quiet)
    assert comfy.check(CODE, IMAGINE, quiet).percent == RUNNING


def test_without_a_library_for_sockets_the_queue_is_asked(vendor, monkeypatch):
    monkeypatch.setitem(sys.modules, "websockets.sync.client", None)
    vendor.course = ["running"]
    comfy = comfy_at(vendor, socket=True)
    comfy.start(IMAGINE, quiet)
    assert comfy.check(CODE, IMAGINE, quiet).percent == RUNNING
    assert vendor.requests_to("/ws") == []


def test_a_job_that_is_no_longer_ours_stops_listening(vendor):
    vendor.course, vendor.events = ["running"], [progress(CODE, n3=(5, 20, "running"))]
    comfy = comfy_at(vendor, socket=True, socket_seconds=5)
    comfy.start(IMAGINE, quiet)

    def lost(percent: int, stage: str) -> None:
        raise LookupError

    with pytest.raises(LookupError):
        comfy.check(CODE, IMAGINE, lost)


def test_the_password_of_a_proxy_is_sent(vendor):
    vendor.password = "me:secret"
    assert refused(comfy_at(vendor)).code == "misconfigured"
    assert comfy_at(vendor, "me:secret").start(IMAGINE, quiet).ref == CODE


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"graph": "{"}, "not JSON"),
        ({"graph": {"nodes": [], "links": []}}, "API format"),
        ({"graph": {}}, "there is no graph"),
        ({"inputs": {}}, "nothing takes the prompt"),
        ({"inputs": WORDS | {"width": ["99", "width"]}}, "width goes to node 99"),
        ({"inputs": {"prompt": ["6"]}}, "an input is"),
        ({"outputs": ["77"]}, "output 77"),
    ],
)
def test_a_workflow_that_cannot_work_says_what_to_mend(vendor, changes, said):
    with pytest.raises(ProviderError) as caught:
        with_flow(vendor, "imagine", **changes).examine(IMAGINE)
    assert caught.value.code == "misconfigured"
    assert said in caught.value.detail


@pytest.mark.parametrize(
    ("order", "code"),
    [
        (replace(TRYON, pictures=(PERSON,)), "two_photos_needed"),
        (replace(EDIT, pictures=()), "photo_needed"),
        (replace(EDIT, prompt=" "), "words_needed"),
        (replace(EDIT, pictures=(PERSON, ITEM)), "invalid_input"),
        (replace(EDIT, count=2), "misconfigured"),
        (replace(EDIT, tool="dance"), "tool_unknown"),
    ],
)
def test_what_a_workflow_cannot_do_is_said_before_anything_is_charged(comfy, order, code):
    with pytest.raises(ProviderError) as caught:
        comfy.examine(order)
    assert caught.value.code == code


def test_named_outputs_win_over_other_pictures(vendor):
    graph = PAINT | {"20": node("SaveImage", images=["8", 0])}
    comfy = with_flow(vendor, "imagine", graph=graph, outputs=["20"])
    comfy.start(IMAGINE, quiet)
    vendor.node_errors = {"9": {}}
    assert len(comfy.check(CODE, IMAGINE, quiet).pictures) == 1
