"""Logs: one JSON object a line that says what it is about, and never a secret."""

from __future__ import annotations

import asyncio
import io
import json
import logging
import logging.config
import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import telegram
from django import conf
from django.db import IntegrityError, transaction
from django.test import Client
from rest_framework.test import APIClient

from aibot import logs, redacting, requests
from billing import tracing
from generation import studio, worker
from generation.models import Job
from telegram_integration.models import User
from telegram_integration.threads import in_thread
from tests.conftest import Obedient
from tests.telegram_integration.chatting import Talker

ROOT = Path(__file__).parents[2]
TOKEN = "123456789:AAEhBP0av28hX0hvFz4mJ6xQ9vY1kRm3abc"
INIT_DATA = (
    "query_id=AAH&user=%7B%22id%22%3A777%7D&auth_date=1700000000&signature=abc"
    "&hash=c501b71e775f74ce10e377dea85a7ea24ecd640b223ea86dfe453e0eaed2e2b2"
)
PLANTED = {
    "a bot's address": f"https://api.telegram.org/bot{TOKEN}/getMe",
    "a bot's file": f"/file/bot{TOKEN.replace(':', '%3A')}/photos/1.jpg",
    "a header": "Authorization: Bearer abcdefghijklmnop",
    "headers": "{'Authorization': 'Basic dXNlcjpwYXNzd29yZA==', 'Accept': '*/*'}",
    "a cookie": "Cookie: sessionid=1qaz2wsx3edc4rfv; csrftoken=zzzzzzzz",
    "init data": INIT_DATA,
    "init data in an address": "/#tgWebAppData=user%3D%7B%22id%22%7D%26hash%3D00ff&v=1",
    "an API key": "studio_Zk3vQ9yT1mX7cR5wB2nL8pF4",
    "a vendor's key": "Incorrect API key provided: sk-proj-Ab12Cd34Ef56Gh78Ij90",
    "Google's key": "https://g.example/?key=AIzaSyA1b2C3d4E5f6G7h8I9j0K1l2M3n4O5p6Q",
    "a password": "connection to postgres://studio:hunter22222@db/studio failed",
    "a field": '{"password": "correct-horse", "client_secret": "battery-staple"}',
    "an address": "ann.smith+pay@mail.example.com has paid",
    "a phone": "call +7 (912) 345-67-89 or 89123456789",
    "a refused row": "violates check\nDETAIL:  Failing row contains (7, secret wish of Ann).",
    "an update": repr(telegram.User(1777333555, "Joanna", is_bot=False)),
    "a person": repr(User(first_name="Joanna", last_name="Smithson")),
    "a picture": repr(bytes(range(128, 256)) * 4),
    "a picture in JSON": "iVBORw0KGgo" * 40,
}
NEVER = (
    TOKEN, TOKEN.partition(":")[2], "abcdefghijklmnop", "dXNlcjpwYXNzd29yZA", "1qaz2wsx",
    "zzzzzzzz", "c501b71e", "7B%22id", "hash%3D", "Zk3vQ9yT", "Ab12Cd34", "AIzaSy", "hunter22222",
    "correct-horse", "battery-staple", "ann.smith", "345-67-89", "89123456789", "secret wish",
    "1777333555", "Joanna", "Smithson", "\\x80", "iVBORw0KGgo",
)  # fmt: skip


@pytest.fixture(params=logs.FORMATS)
def written(request: pytest.FixtureRequest) -> Iterator[Callable[[], str]]:
    """What a logger with the real configuration writes."""
    yield from _written(request.param)


@pytest.fixture
def lines() -> Iterator[Callable[[], list[dict[str, Any]]]]:
    """What has been written as JSON, line by line."""
    for read in _written("json"):
        yield lambda read=read: [json.loads(line) for line in read().splitlines()]


def _written(form: str) -> Iterator[Callable[[], str]]:
    made = logs.configuration(form, "INFO")
    handler = logging.StreamHandler(stream := io.StringIO())
    handler.setFormatter(getattr(logs, form)())
    root, before = logging.getLogger(), logging.getLogger().level
    root.addHandler(handler)
    root.setLevel(made["root"]["level"])
    logging.getLogger(logs.REQUESTS).setLevel("INFO")
    yield stream.getvalue
    root.removeHandler(handler)
    root.setLevel(before)


@pytest.mark.parametrize("what", PLANTED)
def test_no_secret_is_written_wherever_it_stands(what: str, written: Callable[[], str]) -> None:
    secret, logger = PLANTED[what], logging.getLogger("anything")
    logger.warning("plain %s", secret)
    logger.warning(secret)
    logger.warning("given %r", {"body": [secret]}, extra={"headers": {"x": secret}})
    try:
        try:
            raise ValueError(secret)
        except ValueError as first:
            raise RuntimeError("because", secret) from first
    except RuntimeError:
        logger.exception("it broke")
    text = written()
    assert text.count("RuntimeError") == text.count("ValueError") > 0
    assert [one for one in NEVER if one in text] == []


def test_secrets_of_the_settings_are_known_by_their_values(
    settings: Any, written: Callable[[], str]
) -> None:
    settings.SECRET_KEY = "correct horse battery/staple"
    settings.PROVIDER_KEYS = {"kie": "plainwordsonly", "automatic1111": "ann:pa55word99"}
    settings.BACKUP_KEY = ["backupkeyone", "backupkeytwo"]
    settings.CACHE_URL = "redis://:rediss3cret@127.0.0.1/0"
    settings.S3_WHERE = {"secret_key": "bucketsecretwords", "endpoint_url": "https://kept"}
    redacting.known.cache_clear()
    logging.getLogger("x").error("correct horse battery/staple plainwordsonly pa55word99 kept")
    logging.getLogger("x").error("correct%20horse%20battery%2Fstaple rediss3cret kept")
    logging.getLogger("x").error("bucketsecretwords backupkeytwo at https://kept")
    redacting.known.cache_clear()
    assert written().count("kept") == 3
    assert not re.search("bucketsecret|backupkey|horse|plainwords|pa55|rediss3cret", written())


def test_every_secret_of_the_environment_is_one_of_those() -> None:
    """A new setting whose name says that it is a secret must be found by its value."""
    names = re.findall(r'env\.\w+\(\s*"(\w+)"', (ROOT / "aibot" / "settings.py").read_text())
    secrets = [
        name for name in names if re.search("SECRET|TOKEN|PASS(WORD|PHRASE)|_KEY$|_AUTH$", name)
    ]
    known = {name for name in dir(conf.settings) if redacting.SECRET_NAME.search(name)}
    held = {"KIE_API_KEY", "OPENROUTER_API_KEY", "ASSISTANT_API_KEY", "OPENAI_API_KEY",
            "GEMINI_API_KEY", "AUTOMATIC1111_AUTH", "KIE_WEBHOOK_KEY",
            "S3_ACCESS_KEY", "S3_SECRET_KEY"}  # fmt: skip
    assert set(secrets) - known - held == set()
    assert {"PROVIDER_KEYS", "PROVIDER_WEBHOOK_KEYS"} <= known


def test_ordinary_words_stay() -> None:
    said = (
        "job 4f6c1a2e-7a55-4c39-9f3e-2b1de2c7a001: transient from kie, going on (update 812345678)"
    )
    assert redacting.redacted(said) == said
    assert redacting.redacted({"seconds": 0.25, "ok": True, "n": None}) == {
        "seconds": 0.25, "ok": True, "n": None
    }  # fmt: skip


@pytest.mark.django_db(transaction=True)
def test_a_row_that_the_database_refuses_is_not_repeated(
    person: User, written: Callable[[], str]
) -> None:
    job = studio.imagine(person.pk, prompt="something only Ann knows")
    try:
        with transaction.atomic():
            Job.objects.filter(pk=job.pk).update(state="nonsense")
    except IntegrityError:
        logging.getLogger("x").exception("refused")
    assert "job_state_is_known" in written()
    assert "only Ann knows" not in written()


def test_a_line_says_what_it_is_about(lines: Callable[[], list[dict[str, Any]]]) -> None:
    with tracing.about(request="r1", person_id=7, job=None):
        logging.getLogger("billing.x").warning("%s of %d", "one", 2)
    logging.getLogger("billing.x").warning("after")
    first, second = lines()
    assert first["event"] == "one of 2"
    assert (first["request"], first["person"]) == ("r1", tracing.pseudonym(7))
    assert (first["logger"], first["level"]) == ("billing.x", "warning")
    assert first["timestamp"].endswith("Z")
    assert {"request", "person", "job"} & set(second) == set()


@pytest.mark.django_db
def test_each_request_has_a_line_with_its_number(
    api: APIClient, person: User, lines: Callable[[], list[dict[str, Any]]]
) -> None:
    answer = api.get("/api/v1/jobs/?search=something+private")
    line = next(one for one in lines() if one["logger"] == logs.REQUESTS)
    assert line["request"] == answer.headers["X-Request-ID"]
    assert (line["method"], line["route"], line["status"]) == ("GET", "/api/v1/jobs/", 200)
    assert line["person"] == tracing.pseudonym(person.pk)
    assert "private" not in json.dumps(lines())


@pytest.mark.django_db
def test_a_page_says_who_asked_and_a_stranger_is_nobody(
    signed_in: Any, person: User, client: Client, lines: Callable[[], list[dict[str, Any]]]
) -> None:
    signed_in(person).get("/")
    client.get("/nowhere/")
    own, lost = (one for one in lines() if one["logger"] == logs.REQUESTS)
    assert own["person"] == tracing.pseudonym(person.pk)
    assert (lost["route"], lost["status"], lost.get("person")) == ("(none)", 404, None)


@pytest.mark.parametrize(
    ("proxies", "given", "is_kept"),
    [(1, "0123456789abcdef", True), (0, "0123456789abcdef", False), (1, "short", False),
     (1, "x" * 65, False), (1, 'evil"}\n{"level": 1', False)],
)  # fmt: skip
def test_only_our_own_proxy_may_number_a_request(
    settings: Any, proxies: int, given: str, is_kept: bool
) -> None:
    settings.REST_FRAMEWORK = settings.REST_FRAMEWORK | {"NUM_PROXIES": proxies}
    number = requests.number_of(given)
    assert (number == given) is is_kept
    assert requests.WELL_FORMED.fullmatch(number)


@pytest.mark.django_db
def test_a_worker_says_which_job_and_whose(
    person: User, provider: Obedient, lines: Callable[[], list[dict[str, Any]]]
) -> None:
    provider.answer = ZeroDivisionError("oh")
    job = studio.imagine(person.pk, prompt="a sea")
    worker.work()
    broke = next(one for one in lines() if one["event"].endswith("broke"))
    assert (broke["job"], broke["person"]) == (str(job.code), tracing.pseudonym(person.pk))
    assert "ZeroDivisionError: oh" in broke["exception"]


@pytest.mark.django_db
def test_the_bot_says_whom_it_answers(
    monkeypatch: pytest.MonkeyPatch, lines: Callable[[], list[dict[str, Any]]]
) -> None:
    ann = Talker()
    ann.write("/start")
    told = logging.getLogger("x").warning
    monkeypatch.setattr("telegram_integration.bot.handle", lambda _call: told("answering"))
    ann.write("/help")
    said = next(one for one in lines() if one["event"] == "answering")
    assert said["person"] == tracing.pseudonym(ann.user.pk)


async def test_what_is_bound_comes_along_into_a_thread(
    lines: Callable[[], list[dict[str, Any]]],
) -> None:
    with tracing.about(update=5):
        await in_thread(logging.getLogger("x").warning, "from the thread")
    assert lines()[0]["update"] == "5"


async def test_a_socket_has_a_number_and_a_line_when_it_ends(
    lines: Callable[[], list[dict[str, Any]]],
) -> None:
    async def app(_scope: Any, _receive: Any, _send: Any) -> None:
        await asyncio.sleep(0)
        logging.getLogger("x").warning("inside")

    await requests.traced_sockets(app)({"headers": []}, None, None)
    inside, ended = lines()
    assert inside["request"] == ended["request"]
    assert ended["event"] == "a socket has ended"


def test_gunicorn_and_celery_write_as_all_others_do(tmp_path: Path) -> None:
    code = (
        "import runpy, logging, logging.config as c; "
        "c.dictConfig(runpy.run_path('gunicorn.conf.py')['logconfig_dict']); "
        f"logging.getLogger('gunicorn.error').info('Listening {TOKEN}'); "
        "logging.getLogger('gunicorn.access').info('GET /?wish=x'); "
        "from aibot.celery import app; app.log.setup(loglevel='DEBUG'); "
        "logging.getLogger('celery').error('late')"
    )
    env = {"PATH": os.environ["PATH"], "ENV_FILE": "/dev/null", "DATA_DIR": str(tmp_path)}
    env |= {"DEBUG": "false", "SECRET_KEY": "x" * 50}
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, env=env, capture_output=True,
                          text=True, check=True)  # fmt: skip
    first, second = map(json.loads, done.stderr.splitlines())
    assert first["event"] == "Listening […]"
    assert (second["logger"], second["level"], second["event"]) == ("celery", "error", "late")


@pytest.mark.django_db
def test_what_breaks_in_a_page_says_whose_request_it_was(
    signed_in: Any, person: User, monkeypatch: pytest.MonkeyPatch,
    lines: Callable[[], list[dict[str, Any]]],
) -> None:  # fmt: skip
    def broken(*_args: Any, **_kwargs: Any) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr("generation.views.render", broken)
    client = signed_in(person)
    client.raise_request_exception = False
    answer = client.get("/?wish=private")
    broke = next(one for one in lines() if "ZeroDivisionError" in one.get("exception", ""))
    assert broke["request"] == answer.headers["X-Request-ID"]
    assert broke["person"] == tracing.pseudonym(person.pk)
    assert "private" not in json.dumps(lines())
