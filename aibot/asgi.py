"""The door for sockets, and, in one process, for everything.

In production daphne serves only `/ws/` from here: sync views under ASGI are slow with kept
connections (326 against 2,944 requests a second measured), so pages go through `aibot.wsgi`.
"""

import os

from django.core.asgi import get_asgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "aibot.settings")
http = get_asgi_application()

from channels.routing import ProtocolTypeRouter, URLRouter  # noqa: E402
from channels.sessions import SessionMiddlewareStack  # noqa: E402

from aibot.requests import traced_sockets  # noqa: E402
from generation.consumers import routes  # noqa: E402
from telegram_integration.sockets import known_people_only  # noqa: E402

sockets = SessionMiddlewareStack(known_people_only(URLRouter(routes)))
application = ProtocolTypeRouter({"http": http, "websocket": traced_sockets(sockets)})
