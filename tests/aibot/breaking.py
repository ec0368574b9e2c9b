"""A studio in which everything breaks, with secrets all around: a page, a task and the bot."""

from __future__ import annotations

import asyncio
import io
import sys
from wsgiref.util import setup_testing_defaults

import django

SECRET = sys.argv[1]

django.setup()

import sentry_sdk  # noqa: E402
from celery import shared_task  # noqa: E402
from django.apps import apps  # noqa: E402
from django.conf import settings  # noqa: E402
from django.core.management import call_command  # noqa: E402
from django.core.wsgi import get_wsgi_application  # noqa: E402
from django.test import Client  # noqa: E402
from django.urls import path  # noqa: E402

from telegram_integration import answering, bot, door  # noqa: E402
from telegram_integration.models import User  # noqa: E402

ANN = {"id": 777000111, "is_bot": False, "first_name": "Ann", "language_code": "en"}
CHAT = {"id": ANN["id"], "type": "private", "first_name": "Ann"}
MESSAGE = {"message_id": 1, "date": 1, "chat": CHAT, "from": ANN, "text": SECRET}


def fail(*given: object) -> None:
    kept = {"wish": SECRET}
    raise ValueError(f"it broke at password={SECRET}, by mail to ann@example.com", given, kept)


def page(request: object) -> None:
    fail(request.POST["wish"], request.user.pk)


@shared_task
def task(wish: str) -> None:
    fail(wish)


urlpatterns = [path("break/", page)]


def main() -> None:
    settings.MIGRATION_MODULES = {app.label: None for app in apps.get_app_configs()}
    call_command("migrate", run_syncdb=True, verbosity=0)
    break_a_page()
    task.apply(args=[f"secret={SECRET}"])
    asyncio.run(break_the_bot())
    sentry_sdk.flush(10)


def break_a_page() -> None:
    settings.ROOT_URLCONF = __name__
    user = User.objects.create_user(f"ann{SECRET[:6]}", email="ann@example.com")
    client = Client()
    client.force_login(user)
    session = client.cookies["sessionid"].value
    body = f"wish={SECRET}".encode()
    environ = {
        "REQUEST_METHOD": "POST", "PATH_INFO": "/break/", "QUERY_STRING": f"tgWebAppData={SECRET}",
        "HTTP_COOKIE": f"sessionid={session}; other={SECRET}", "HTTP_AUTHORIZATION": SECRET,
        "CONTENT_LENGTH": str(len(body)), "CONTENT_TYPE": "application/x-www-form-urlencoded",
        "wsgi.input": io.BytesIO(body), "HTTP_HOST": "testserver", "REMOTE_ADDR": "203.0.113.77",
    }  # fmt: skip
    setup_testing_defaults(environ)
    settings.MIDDLEWARE = [one for one in settings.MIDDLEWARE if "csrf" not in one]
    list(get_wsgi_application()(environ, lambda *_: None))


async def break_the_bot() -> None:
    bot.handle = fail
    rows = await answering.in_thread(answering.store, [{"update_id": 5, "message": MESSAGE}])
    bots = answering.Answering(door.make())
    bots.take(rows)
    await bots.finish()


if __name__ == "__main__":
    main()
