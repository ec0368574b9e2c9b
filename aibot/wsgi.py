"""The door for pages and the API: gunicorn with threads."""

import os

from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "aibot.settings")
application = get_wsgi_application()
