"""The door for pages and the API: gunicorn with threads."""

import os
from collections.abc import Iterable
from typing import Any

from django.core.wsgi import get_wsgi_application
from django.urls import get_resolver

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "aibot.settings")
pages = get_wsgi_application()
# Every view is read now and not by whoever asks first, and once for all of gunicorn's workers.
_ = get_resolver().url_patterns

MOST_READ = 12 * 1024 * 1024
"""The largest body that nginx lets through."""
PIECE = 256 * 1024


def application(environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
    """Pages, with every body read to its end, also one that was refused unread.

    gunicorn closes the connection on more than a little that nobody has read, and the reset may
    overtake the answer: instead of "sign in first" nginx would say that nobody answers.
    """
    answer = pages(environ, start_response)
    read = 0
    while read < MOST_READ and (piece := environ["wsgi.input"].read(PIECE)):
        read += len(piece)
    return answer
