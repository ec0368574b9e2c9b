"""`manage.py doctor` finds each planted fault by its own check, and none where all is well."""

from __future__ import annotations

import io
import resource
import shutil
import ssl
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import timedelta as td
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import httpx2
import pytest
import redis
from django.core.management import call_command
from django.db import OperationalError, connection, connections
from django.db.migrations.recorder import MigrationRecorder
from django.utils import timezone

from aibot import doctor, redacting
from aibot.doctor import database, files, telegram
from billing.models import Product, Subscription
from generation import photos
from generation.models import Heartbeat, ProviderSetting, Route
from telegram_integration import webhooks
from tests.conftest import make_person
from tests.pictures import picture_file
from tests.vendors.botapi import BotApi
from tests.vendors.stub import Answer, Request, Stub
from tests.vendors.yookassa import SECRET, SHOP, YooKassaStub

KEY = "dV0q1Zk8Yw3pL5sR7tX9bN2mC4vF6hJ8aQ1eU3iO5gT7yB9z"
TOKEN = "123456789:AAEhBP0av28hX0hvFz4mJ6xQ9vY1kRm3abc"
MEMORY = "MemTotal: 9999999 kB\nMemAvailable: {} kB\n"
CLOSED = "http://127.0.0.1:1"


@pytest.fixture(scope="module")
def vendors() -> Iterator[tuple[BotApi, YooKassaStub]]:
    with BotApi(TOKEN) as api, YooKassaStub() as yookassa:
        yield api, yookassa


@pytest.fixture
def well(
    settings: Any, vendors: tuple[BotApi, YooKassaStub], tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[Any]:  # fmt: skip
    """A studio as it should be where strangers come."""
    api, yookassa = vendors
    given = {
        "DEBUG": False, "SECRET_KEY": KEY, "SITE_URL": "https://studio.example", "HTTPS": True,
        "ALLOWED_HOSTS": ["studio.example"], "METRICS_TOKEN": KEY, "OWNER_CHAT_ID": 5,
        "SUPPORT_CONTACT": "@help", "TELEGRAM_BOT_TOKEN": TOKEN, "TELEGRAM_MODE": "polling",
        "TELEGRAM_BOT_NAME": "studio_test_bot", "BOT_API_URL": api.url,
        "YOOKASSA_URL": yookassa.address, "YOOKASSA_SHOP_ID": SHOP, "YOOKASSA_SECRET_KEY": SECRET,
        "SESSION_COOKIE_SECURE": True, "CSRF_COOKIE_SECURE": True, "SECURE_HSTS_SECONDS": 3600,
        "SECURE_SSL_REDIRECT": True,
        "STATIC_ROOT": str(tmp_path), "DATA_DIR": tmp_path, "CELERY_WORKER_CONCURRENCY": 4,
        "BACKUP_KEY": [KEY], "REST_FRAMEWORK": settings.REST_FRAMEWORK | {"NUM_PROXIES": 1},
    }  # fmt: skip
    for name, value in given.items():
        setattr(settings, name, value)
    (tmp_path / "staticfiles.json").write_text("{}")
    (tmp_path / "meminfo").write_text(MEMORY.format(4_000_000))
    monkeypatch.setattr(files, "MEMORY", tmp_path / "meminfo")
    room = shutil._ntuple_diskusage(900 * 1024**3, 0, 500 * 1024**3)
    monkeypatch.setattr(shutil, "disk_usage", lambda _path: room)
    redacting.known.cache_clear()
    monkeypatch.setenv("ENV_FILE", str(tmp_path / "env"))
    # The stub knows one shop, whose key happens to be of the sort that takes no real money.
    monkeypatch.setattr("aibot.doctor.money.TEST_KEY", "never_")
    with ExitStack() as stack:
        yield SimpleNamespace(settings=settings, api=api, yookassa=yookassa, patch=monkeypatch,
                              folder=tmp_path, open=stack.enter_context)  # fmt: skip


def found(*names: str) -> list[str]:
    return [one.what for _name, findings in doctor.look([*names]) for one in findings]


Plant = Callable[[Any], object]


def set_to(**values: Any) -> Plant:
    return lambda at: [setattr(at.settings, name, value) for name, value in values.items()]


def env_file(at: Any, text: str, mode: int = 0o600) -> None:
    path = at.folder / "env"
    path.write_text(text)
    path.chmod(mode)


def info(**changes: Any) -> Plant:
    said = {"url": "", "pending_update_count": 0, **changes}
    return lambda at: at.patch.setattr(at.api.updates, "webhook_info", lambda: said)


def proxies(number: int) -> Plant:
    return lambda at: setattr(
        at.settings, "REST_FRAMEWORK", at.settings.REST_FRAMEWORK | {"NUM_PROXIES": number}
    )


def both(*plants: Plant) -> Plant:
    return lambda at: [plant(at) for plant in plants]


def redis_says(**said: Any) -> Plant:
    told = {"redis_version": "7.0.1", "maxmemory_policy": "noeviction", **said}
    return both(
        set_to(BROKER_URL="redis://127.0.0.1:1", CHANNELS_URL="redis://127.0.0.1:1",
               CACHE_URL="redis://127.0.0.1:1"),
        lambda at: at.patch.setattr(redis.Redis, "info", lambda _self: told),
    )  # fmt: skip


def no_words(at: Any) -> None:
    (at.folder / "ru" / "LC_MESSAGES").mkdir(parents=True)
    (at.folder / "ru" / "LC_MESSAGES" / "django.po").write_text("")
    at.settings.LOCALE_PATHS = [at.folder]


def little_memory(at: Any) -> None:
    (at.folder / "meminfo").write_text(MEMORY.format(51_200))


def few_files(at: Any) -> None:
    at.patch.setattr(resource, "getrlimit", lambda _what: (256, 4096))


def wrong_clock(at: Any) -> None:
    late = telegram.parsedate_to_datetime
    at.patch.setattr(telegram, "parsedate_to_datetime", lambda text: late(text) - td(hours=1))


class Site(Stub):
    """What stands at SITE_URL."""

    def __init__(self, answer: Answer) -> None:
        super().__init__()
        self.said = answer

    def answer(self, _request: Request) -> Answer:
        return self.said


OURS, ANOTHERS = Answer(200, {"status": "alive"}), Answer(200, b"<h1>Welcome to nginx!</h1>")


def at_the_door(answer: Answer) -> Plant:
    """Which `well` closes when the test ends."""
    return lambda at: set_to(SITE_URL=at.open(Site(answer)).url)(at)


def old_certificate(at: Any) -> None:
    def refuse(*_args: Any, **_options: Any) -> None:
        raise httpx2.ConnectError("certificate has expired") from ssl.SSLCertVerificationError()

    at.patch.setattr(httpx2.Client, "get", refuse)


WITHOUT_ROWS: list[tuple[str, str, Plant]] = [
    ("settings", "SECRET_KEY can be guessed", set_to(SECRET_KEY="changeme")),
    ("settings", "SECRET_KEY can be guessed", set_to(SECRET_KEY="django-insecure-" + KEY)),
    ("settings", "DEBUG is on at https://studio.example", set_to(DEBUG=True)),
    ("settings", "ALLOWED_HOSTS lets in every name", set_to(ALLOWED_HOSTS=["*"])),
    ("address", "not scheme and name alone", set_to(SITE_URL="https://studio.example/app")),
    ("address", "but ALLOWED_HOSTS names studio.example", set_to(SITE_URL="http://127.0.0.1:80")),
    ("address", "SITE_URL is not https", set_to(SITE_URL="http://studio.example", HTTPS=False)),
    ("address", "TELEGRAM_MODE is webhook, but",
     set_to(SITE_URL="http://127.0.0.1", HTTPS=False, TELEGRAM_MODE="webhook", ALLOWED_HOSTS=[])),
    ("address", "TRUSTED_PROXIES is 0", proxies(0)),
    ("door", "Somebody else answers at SITE_URL (200)", at_the_door(ANOTHERS)),
    ("door", "SITE_URL does not answer from here", set_to(SITE_URL=CLOSED)),
    ("door", "certificate of SITE_URL is not to be trusted", old_certificate),
    ("environment", "can be read by every user", lambda at: env_file(at, "DEBUG=false\n", 0o644)),
    ("environment", "TELEGRAM_TOKEN in env is no setting",
     lambda at: env_file(at, "DEBUG=false\nTELEGRAM_TOKEN=1\n")),
    ("django", "security.W012", set_to(SESSION_COOKIE_SECURE=False)),
    ("eyes", "METRICS_TOKEN is short", set_to(METRICS_TOKEN="abc")),
    ("eyes", "METRICS_TOKEN is empty", set_to(METRICS_TOKEN="")),
    ("eyes", "SENTRY_DSN is no address", set_to(SENTRY_DSN="sentry.io/5")),
    ("eyes", "OWNER_CHAT_ID is not set", set_to(OWNER_CHAT_ID=0)),
    ("redis", "CACHE_URL is not set", both(redis_says(), set_to(CACHE_URL=""))),
    ("redis", "does not answer",
     set_to(BROKER_URL="redis://127.0.0.1:1", CHANNELS_URL="redis://127.0.0.1:1",
            CACHE_URL="redis://127.0.0.1:1")),
    ("redis", "throws keys away when it is full (allkeys-lru)",
     redis_says(maxmemory_policy="allkeys-lru")),
    ("redis", "CACHE_URL is 5.0.14", redis_says(redis_version="5.0.14")),
    ("static", "Static files were not collected", set_to(STATIC_ROOT="/nowhere")),
    ("translations", "The translation “ru” is not compiled", no_words),
    ("machine", "50 MB of memory are free", little_memory),
    ("machine", "may have 256 files open", few_files),
    ("telegram", "neither TELEGRAM_BOT_TOKEN nor", set_to(TELEGRAM_BOT_TOKEN="")),
    ("telegram", "does not look like a token", set_to(TELEGRAM_BOT_TOKEN="12:ab")),
    ("telegram", "Telegram refuses TELEGRAM_BOT_TOKEN (401)",
     set_to(TELEGRAM_BOT_TOKEN="987654321:" + "A" * 35)),
    ("telegram", "the token belongs to studio_test_bot", set_to(TELEGRAM_BOT_NAME="other_bot")),
    ("telegram", "Telegram cannot be asked", set_to(BOT_API_URL=CLOSED)),
    ("telegram", "Inline mode is off", lambda at: at.patch.setattr(at.api, "inline_mode", False)),
    ("webhook", "Telegram has a webhook, but", info(url="https://old.example/hook")),
    ("webhook", "Telegram's webhook is not set", set_to(TELEGRAM_MODE="webhook")),
    ("webhook", "Telegram's webhook is not our address",
     both(set_to(TELEGRAM_MODE="webhook"), info(url="https://old.example/hook"))),
    ("webhook", "could not bring an update lately: Connection refused",
     info(last_error_date=2**40, last_error_message="Connection refused")),
    ("webhook", "5000 updates wait at Telegram", info(pending_update_count=5000)),
    ("clock", "s from Telegram's", wrong_clock),
    ("yookassa", "YOOKASSA_SHOP_ID is empty", set_to(YOOKASSA_SHOP_ID="")),
    ("yookassa", "YooKassa refuses our shop and key (401)", set_to(YOOKASSA_SECRET_KEY="other")),
    ("yookassa", "YooKassa cannot be asked", set_to(YOOKASSA_URL=CLOSED)),
    ("yookassa", "is of a test shop",
     lambda at: at.patch.setattr("aibot.doctor.money.TEST_KEY", "test_")),
    ("yookassa", "185.71.76.0/99 in YOOKASSA_NETWORKS is no network",
     set_to(YOOKASSA_NETWORKS=["185.71.76.0/99"])),
]  # fmt: skip


def taken_back(_at: Any) -> None:
    MigrationRecorder.Migration.objects.filter(app="billing").order_by("-pk").first().delete()


def sandbox_plan(_at: Any) -> None:
    Subscription.objects.create(
        account=make_person("ann").account, product=Product.objects.get(code="basic"),
        gateway="sandbox", ends_at=timezone.now() + td(days=9),
    )  # fmt: skip


def lost_pictures(at: Any) -> None:
    photos.ingest(make_person("ann").pk, picture_file("teal"))
    shutil.rmtree(at.settings.MEDIA_ROOT)


def broken_vendor(at: Any) -> None:
    at.settings.PROVIDER_KEYS = at.settings.PROVIDER_KEYS | {"kie": "k" * 32}
    kie = ProviderSetting.objects.update_or_create(name="kie", defaults={"base_url": CLOSED})[0]
    Route.objects.get_or_create(tool="edit", provider=kie)


def silent(name: str) -> Plant:
    return lambda _at: Heartbeat.objects.filter(name=name).delete()


def no_gateway(at: Any) -> None:
    set_to(TELEGRAM_BOT_TOKEN="", YOOKASSA_SHOP_ID="")(at)


WITH_ROWS: list[tuple[str, str, Plant]] = [
    ("rows", "1 migrations are not applied, the first is billing", taken_back),
    ("files", "cannot be written to", set_to(DATA_DIR=Path("/nowhere/at/all"))),
    ("files", "1 of the newest 1 pictures cannot be read", lost_pictures),
    ("files", "100 MB are free",
     lambda at: at.patch.setattr(files.shutil, "disk_usage", lambda _path: SimpleNamespace(
         free=100 * 1024**2))),
    ("gateways", "No gateway is set up", no_gateway),
    ("gateways", "SUPPORT_CONTACT is empty", set_to(SUPPORT_CONTACT="")),
    ("gateways", "paid for in the sandbox", sandbox_plan),
    ("stars", "No price in Stars: pro", lambda _at: Product.objects.filter(code="pro").update(
        stars=None)),
    ("providers", "No provider gets any order", lambda _at: Route.objects.all().delete()),
    ("providers", "kie gets orders and is unreachable", broken_vendor),
    ("processes", "process:clock:silent", silent("beat")),
    ("processes", "queue:pictures:silent", silent("canary:pictures")),
    ("backups", "BACKUP_KEY is empty", set_to(BACKUP_KEY=[])),
    ("backups", "No backup was ever taken", silent("backup")),
    ("backups", "The last backup is 40 hours old", lambda _at: Heartbeat.objects.filter(
        name="backup").update(beat_at=timezone.now() - td(hours=40))),
    ("database", "The database does not answer",
     lambda at: at.patch.setattr(connection, "ensure_connection", _gone)),
]  # fmt: skip
ON_POSTGRES: list[tuple[str, str, Plant]] = [
    ("connections", "connections, the processes may want",
     set_to(CELERY_WORKER_CONCURRENCY=100_000)),
    ("database", "PostgreSQL is 14",
     lambda at: at.patch.setitem(vars(connections["default"]), "pg_version", 140_009)),
    ("database", "differ by",
     lambda at: at.patch.setattr(database, "MOST_SKEW_SECONDS", -1)),
    ("rows", "may change and remove entries of the books", lambda _at: None),
]  # fmt: skip


def named(cases: list[tuple[str, str, Plant]]) -> list[str]:
    """The same in every process, which the address of a function is not."""
    return [f"{number} {check}: {says}" for number, (check, says, _plant) in enumerate(cases)]


def _gone() -> None:
    raise OperationalError(f"connection to postgres://studio:{KEY}@db failed")


def alive() -> None:
    """Everybody has shown that they work, and everything has a price."""
    for name in ("bot", "beat", "worker:x:1", "canary:pictures", "canary:chores", "backup"):
        Heartbeat.objects.create(name=name)
    Product.objects.update(stars=100)


@pytest.mark.parametrize(("check", "says", "plant"), WITHOUT_ROWS, ids=named(WITHOUT_ROWS))
def test_each_planted_setting_is_found(well: Any, check: str, says: str, plant: Plant) -> None:
    plant(well)
    assert [what for what in found(check) if says in what]


@pytest.mark.django_db
@pytest.mark.parametrize(("check", "says", "plant"), WITH_ROWS, ids=named(WITH_ROWS))
def test_each_planted_row_is_found(well: Any, check: str, says: str, plant: Plant) -> None:
    alive()
    assert not [what for what in found(check) if says in what]
    plant(well)
    assert [what for what in found(check) if says in what]


@pytest.mark.django_db
@pytest.mark.skipif("connection.vendor != 'postgresql'", reason="PostgreSQL's own")
@pytest.mark.parametrize(("check", "says", "plant"), ON_POSTGRES, ids=named(ON_POSTGRES))
def test_each_fault_of_postgres_is_found(well: Any, check: str, says: str, plant: Plant) -> None:
    plant(well)
    assert [what for what in found(check) if says in what]


def test_there_are_many_of_them() -> None:
    assert len(WITHOUT_ROWS) + len(WITH_ROWS) >= 50


@pytest.mark.django_db
def test_where_all_is_well_nothing_is_found(well: Any) -> None:
    alive()
    env_file(well, "DEBUG=false\nSITE_URL=https://studio.example\n")
    well.settings.TELEGRAM_MODE = "webhook"
    info(url=webhooks.address())(well)
    redis_says()(well)
    everything = found(*set(doctor.CHECKS) - {"door"})
    at_the_door(OURS)(well)
    everything += found("door")
    if connection.vendor == "postgresql":
        assert everything == ["The database's role may change and remove entries of the books."]
    else:
        assert everything == ["The database is SQLite."]


@pytest.mark.django_db
def test_a_clone_in_debug_is_well_before_it_was_ever_started(settings: Any) -> None:
    settings.DEBUG = True
    names = [name for name in doctor.CHECKS if name not in ("environment", "machine", "files")]
    assert found(*names) == []


def said(*arguments: str) -> tuple[str, int]:
    out, code = io.StringIO(), 0
    try:
        call_command("doctor", *arguments, stdout=out)
    except SystemExit as ended:
        code = ended.code
    return out.getvalue(), code


def test_the_command_says_what_why_and_how_and_fails(well: Any) -> None:
    well.settings.ALLOWED_HOSTS = ["*"]
    text, code = said("settings", "eyes")
    assert code == 1
    assert "settings     1\neyes         ok\n" in text
    assert "\n✗ ALLOWED_HOSTS lets in every name.\n    why  A forged" in text
    assert "\n    fix  Name your domains" in text
    assert text.endswith("1 to mend, 0 to consider.\n")


def test_advice_alone_does_not_fail(well: Any) -> None:
    well.settings.OWNER_CHAT_ID = 0
    text, code = said("eyes")
    assert (code, "\n· OWNER_CHAT_ID is not set." in text) == (0, True)
    assert text.endswith("0 to mend, 1 to consider.\n")


@pytest.mark.django_db
def test_no_secret_is_said(well: Any) -> None:
    well.settings.BROKER_URL = f"redis://:{KEY}@127.0.0.1:1"
    well.patch.setattr(connection, "ensure_connection", _gone)
    text, _code = said("database", "redis", "telegram", "yookassa")
    assert "The database does not answer" in text
    assert (KEY in text, TOKEN.partition(":")[2] in text, SECRET in text) == (False, False, False)


def test_a_check_that_breaks_is_a_finding(well: Any) -> None:
    well.settings.ALLOWED_HOSTS = None
    assert found("settings") == [
        "“settings” could not be looked at: TypeError: argument of type 'NoneType' is not iterable"
    ]
