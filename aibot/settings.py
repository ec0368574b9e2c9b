"""Settings of the studio. Every name that the environment can set is in `.env.example`.

A clone runs with none of them: SQLite, an in-process broker, the built-in provider.
"""

from __future__ import annotations

import secrets
import sys
from datetime import time
from pathlib import Path
from urllib.parse import urlsplit

import environ
from celery.schedules import crontab
from csp.constants import NONE, SELF
from django.core.exceptions import ImproperlyConfigured
from kombu import Queue

from aibot import __version__, bucket, logs, sentry

BASE_DIR = Path(__file__).resolve().parent.parent

env = environ.Env()
environ.Env.read_env(env.str("ENV_FILE", str(BASE_DIR / ".env")))

VERSION = __version__
# Which build this is: an image and a release know theirs, a clone does not.
COMMIT = env.str("COMMIT", "")
DEBUG = env.bool("DEBUG", True)
DATA_DIR = Path(env.str("DATA_DIR", str(BASE_DIR / "var")))
DATA_DIR.mkdir(parents=True, exist_ok=True)


def _secret_key() -> str:
    """The key from the environment; in debug one that is made once and kept in DATA_DIR."""
    if key := env.str("SECRET_KEY", ""):
        return key
    if not DEBUG:
        raise ImproperlyConfigured("Set SECRET_KEY: it is required where DEBUG is off.")
    path = DATA_DIR / "secret_key"
    try:
        with path.open("x") as file:
            path.chmod(0o600)
            file.write(secrets.token_urlsafe(48))
    except FileExistsError:
        pass
    return path.read_text()


SECRET_KEY = _secret_key()
HOST = env.str("HOST", "127.0.0.1")
PORT = env.int("PORT", 8000)
SITE_URL = env.str("SITE_URL", f"http://127.0.0.1:{PORT}").rstrip("/")
HTTPS = SITE_URL.startswith("https://")
ALLOWED_HOSTS = [
    *env.list("ALLOWED_HOSTS", default=[]),
    urlsplit(SITE_URL).hostname or "127.0.0.1",
    *(["127.0.0.1", "localhost", "[::1]"] if DEBUG else []),
]
CSRF_TRUSTED_ORIGINS = [SITE_URL]

# --- Telegram ---------------------------------------------------------------------------------
TELEGRAM_BOT_TOKEN = env.str("TELEGRAM_BOT_TOKEN", "")
# Where no token is held, Telegram's Ed25519 signature over the bot's id is verified instead.
TELEGRAM_BOT_ID = env.int("TELEGRAM_BOT_ID", 0)
TELEGRAM_BOT_NAME = env.str("TELEGRAM_BOT_NAME", "")
# How the bot hears of updates: polling, webhook (needs https), or off: no bot runs.
TELEGRAM_MODE = env.str("TELEGRAM_MODE", "polling") if TELEGRAM_BOT_TOKEN else "off"
if TELEGRAM_MODE not in ("polling", "webhook", "off"):
    raise ImproperlyConfigured("TELEGRAM_MODE is polling, webhook or off.")
# Groups in which the bot answers, by their ids; empty: in all.
TELEGRAM_GROUPS = env.list("TELEGRAM_GROUPS", cast=int, default=[])
# Where people write about payments: an address or a name in Telegram.
SUPPORT_CONTACT = env.str("SUPPORT_CONTACT", "")
# Telegram's production key, as its Mini App documentation publishes it.
TELEGRAM_PUBLIC_KEY = env.str(
    "TELEGRAM_PUBLIC_KEY",
    "e7bf03a2fa4602af4580703d88dda5bb59f32ed8b02a56c187fe7d34caed242d",
)

# --- Applications -----------------------------------------------------------------------------
INSTALLED_APPS = [
    "django.contrib.admin.apps.SimpleAdminConfig",  # urls.py reads the pages: only the web has any
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "whitenoise.runserver_nostatic",
    "django.contrib.staticfiles",
    "channels",
    "rest_framework",
    "django_filters",
    "drf_spectacular",
    "drf_spectacular_sidecar",
    "django_celery_beat",
    "aibot",
    "billing",
    "generation",
    "telegram_integration",
]
# Daphne gives `runserver` its sockets. Any other process would only be 0.25 s later for it.
if sys.argv[1:2] == ["runserver"]:
    INSTALLED_APPS.insert(0, "daphne")

MIDDLEWARE = [
    "aibot.requests.traced",
    "aibot.health.machines",
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "csp.middleware.CSPMiddleware",
    "aibot.cookies.partitioned",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.locale.LocaleMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
]

ROOT_URLCONF = "aibot.urls"
WSGI_APPLICATION = "aibot.wsgi.application"
ASGI_APPLICATION = "aibot.asgi.application"
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.template.context_processors.i18n",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ]
        },
    }
]

# --- People -----------------------------------------------------------------------------------
AUTH_USER_MODEL = "telegram_integration.User"
LOGIN_URL = "sign_in"
LOGIN_REDIRECT_URL = "home"
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": f"django.contrib.auth.password_validation.{name}"}
    for name in ("MinimumLengthValidator", "CommonPasswordValidator", "NumericPasswordValidator")
]
SESSION_COOKIE_AGE = 60 * 60 * 24 * 30
# Inside Telegram's web client the Mini App is a frame of another site.
SESSION_COOKIE_SAMESITE = CSRF_COOKIE_SAMESITE = LANGUAGE_COOKIE_SAMESITE = (
    "None" if HTTPS else "Lax"
)
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = LANGUAGE_COOKIE_SECURE = HTTPS

# --- Database ---------------------------------------------------------------------------------
DATABASES = {"default": env.db_url("DATABASE_URL", default=f"sqlite:///{DATA_DIR / 'studio.db'}")}
SQLITE = DATABASES["default"]["ENGINE"].endswith("sqlite3")
if SQLITE:
    # Django's defaults lose writers to "database is locked"; with these, writers queue.
    DATABASES["default"]["OPTIONS"] = {
        "timeout": 20,
        "transaction_mode": "IMMEDIATE",
        "init_command": (
            "PRAGMA journal_mode=WAL;PRAGMA synchronous=NORMAL;PRAGMA foreign_keys=ON;"
            "PRAGMA temp_store=MEMORY;PRAGMA mmap_size=134217728;"
            "PRAGMA journal_size_limit=27103364;PRAGMA cache_size=-20000"
        ),
    }
# Kept connections collapse under ASGI (each request has a thread of its own); gunicorn's threads
# live long, so its role sets CONN_MAX_AGE=60.
DATABASES["default"]["CONN_MAX_AGE"] = env.int("CONN_MAX_AGE", 0)
DATABASES["default"]["CONN_HEALTH_CHECKS"] = True
# Behind a pooler that gives a connection for one transaction, a cursor does not outlive one.
DATABASES["default"]["DISABLE_SERVER_SIDE_CURSORS"] = env.bool("DATABASE_POOLED", False)
# A copy that may lag a little, for what staff and people only look at: see billing/replica.py.
DATABASE_REPLICA_URL = env.str("DATABASE_REPLICA_URL", "")
if DATABASE_REPLICA_URL:
    DATABASES["replica"] = env.db_url("DATABASE_REPLICA_URL") | {
        "DISABLE_SERVER_SIDE_CURSORS": DATABASES["default"]["DISABLE_SERVER_SIDE_CURSORS"],
        "OPTIONS": {"connect_timeout": 2},
        "TEST": {"MIRROR": "default"},
    }
    DATABASE_ROUTERS = ["billing.replica.Router"]
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

# --- Redis: one address, or one for each use. Locks are rows and need none ----------------------
REDIS_URL = env.str("REDIS_URL", "")
BROKER_URL = env.str("BROKER_URL", REDIS_URL)
CHANNELS_URL = env.str("CHANNELS_URL", REDIS_URL)
CACHE_URL = env.str("CACHE_URL", REDIS_URL)

if CACHE_URL:
    CACHES = {
        "default": {
            "BACKEND": "aibot.cache.ForgivingRedisCache",
            "LOCATION": CACHE_URL,
            "OPTIONS": {"socket_timeout": 1, "socket_connect_timeout": 1},
        }
    }
if CHANNELS_URL:
    # Pub/sub keeps no keys, so FLUSHALL does not cut listeners off. With redis-py 8 a socket
    # timeout would end an idle consumer after five seconds.
    CHANNEL_LAYERS = {
        "default": {
            "BACKEND": "channels_redis.pubsub.RedisPubSubChannelLayer",
            "CONFIG": {
                "hosts": [
                    {"address": url, "socket_timeout": None, "socket_connect_timeout": 1}
                    for url in CHANNELS_URL.split(",")
                ]
            },
        }
    }
else:
    CHANNEL_LAYERS = {"default": {"BACKEND": "aibot.channel_layer.ThreadSafeChannelLayer"}}

# --- Celery: doorbells and the clock ------------------------------------------------------------
CELERY_BROKER_URL = BROKER_URL or "memory://localhost"
# No retries when ringing: with Redis down kombu's defaults held a request up for six seconds. The
# worker's own reconnecting is another setting, see BROKER_CONNECTION_MAX_RETRIES.
CELERY_BROKER_TRANSPORT_OPTIONS = (
    {"socket_timeout": 5, "socket_connect_timeout": 1, "max_retries": 0}
    if BROKER_URL
    else {"polling_interval": 0.01}
)
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_BROKER_CONNECTION_MAX_RETRIES = None
CELERY_TASK_IGNORE_RESULT = True
# A bell that cannot be rung must not hold up the person: the sweeper rings again.
CELERY_TASK_PUBLISH_RETRY = False
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_WORKER_HIJACK_ROOT_LOGGER = False
CELERY_WORKER_POOL = "threads"
# Pictures that one worker makes by itself at once, and for how many it may wait elsewhere besides.
WORKER_CONCURRENCY = env.int("WORKER_CONCURRENCY", 2)
OUTSIDE_CONCURRENCY = env.int("OUTSIDE_CONCURRENCY", 32)
# Two more threads, so that the bells which bring no job are heard when all others are busy.
CELERY_WORKER_CONCURRENCY = WORKER_CONCURRENCY + OUTSIDE_CONCURRENCY + 2
# Celery would close the database connection after every task (3 ms to open the next); tasks.py
# closes it when CONN_MAX_AGE says so, as in a request.
CELERY_DB_REUSE_MAX = 10**9
# Two lines, so that money and clearing never wait behind pictures. A worker that is told no queue
# serves both; a name that is not here is an error, where Celery would make a queue nobody serves.
CELERY_TASK_QUEUES = [Queue(name, routing_key=name) for name in ("pictures", "chores")]
CELERY_TASK_CREATE_MISSING_QUEUES = False
CELERY_TASK_DEFAULT_QUEUE = "chores"
# And one for each worker, through which it shows that it hears (see `docker/healthy`).
CELERY_WORKER_DIRECT = True
CELERY_TASK_ROUTES = {"generation.tasks.work": {"queue": "pictures"}}
CELERY_TIMEZONE = "UTC"
CELERY_BEAT_SCHEDULER = "aibot.clock.Clock"
CELERY_BEAT_MAX_LOOP_INTERVAL = 5
CELERY_BEAT_SCHEDULE = {
    "sweep": {"task": "generation.tasks.sweep", "schedule": 5, "options": {"expires": 5}},
    **{
        f"canary {queue.name}": {
            "task": "generation.tasks.canary",
            "schedule": 10,
            "options": {"expires": 10, "queue": queue.name},
        }
        for queue in CELERY_TASK_QUEUES
    },
    "money": {"task": "billing.tasks.sweep", "schedule": 10, "options": {"expires": 10}},
    "refunds": {"task": "billing.tasks.check_refunds", "schedule": 60, "options": {"expires": 60}},
    "renewals": {"task": "billing.tasks.renew", "schedule": 600, "options": {"expires": 600}},
    "reminders": {"task": "billing.tasks.remind", "schedule": 3600, "options": {"expires": 3600}},
    "standing": {
        "task": "billing.tasks.tell_gateways",
        "schedule": 60,
        "options": {"expires": 60},
    },
    "unused": {"task": "billing.tasks.release", "schedule": 600, "options": {"expires": 600}},
    "reconcile": {
        "task": "billing.tasks.reconcile",
        "schedule": crontab(hour=3, minute=20),
        "options": {"expires": 3600},
    },
    "audit": {
        "task": "billing.tasks.audit_books",
        "schedule": crontab(hour=2, minute=40),
        "options": {"expires": 3600},
    },
    "providers": {
        "task": "generation.tasks.look_after_providers",
        "schedule": 900,
        "options": {"expires": 900},
    },
    # Photos that people send go 24 hours later: at most 10 minutes late, so look more often.
    "retention": {
        "task": "generation.tasks.forget_due",
        "schedule": 120,
        "options": {"expires": 120},
    },
    "backup": {"task": "aibot.tasks.back_up", "schedule": 600, "options": {"expires": 600}},
    "orphans": {
        "task": "generation.tasks.remove_orphans",
        "schedule": 300,
        "options": {"expires": 300},
    },
    "broadcasts": {
        "task": "telegram_integration.tasks.broadcast",
        "schedule": 5,
        "options": {"expires": 5},
    },
    "clear inbox": {"task": "telegram_integration.tasks.clear_inbox", "schedule": 3600},
    "clear outbox": {"task": "telegram_integration.tasks.clear_outbox", "schedule": 7200},
    "clear sessions": {"task": "telegram_integration.tasks.clear_sessions", "schedule": 86400},
}

# --- Generation -------------------------------------------------------------------------------
# Only this provider, whatever the routes say; empty: the routes decide.
PROVIDER = env.str("PROVIDER", "")
PROVIDER_KEYS = {
    "kie": env.str("KIE_API_KEY", ""),
    "openrouter": env.str("OPENROUTER_API_KEY", ""),
    "openai": env.str("OPENAI_API_KEY", ""),
    "gemini": env.str("GEMINI_API_KEY", ""),
    "automatic1111": env.str("AUTOMATIC1111_AUTH", ""),
    "chat": env.str("ASSISTANT_API_KEY", ""),
}
# Whose key a provider without its own may use, at that vendor's own address and nowhere else.
BORROWED_KEYS = {"chat": "openrouter"}
# What a vendor signs its calls with. Without one, the secret in the address must do.
PROVIDER_WEBHOOK_KEYS = {"kie": env.str("KIE_WEBHOOK_KEY", "")}
# With a sweep every 5 s a killed worker's job is free again after 13 s at most.
JOB_LEASE_SECONDS = 8
JOB_HEARTBEAT_SECONDS = 2
JOB_DEADLINE_SECONDS = env.int("JOB_DEADLINE_SECONDS", 15 * 60)
ASSISTANT_DEADLINE_SECONDS = 120
JOB_ATTEMPTS = 3
JOBS_RUNNING = {"free": 2, "plan": 4}
JOBS_WAITING = {"free": 20, "plan": 50}
# How long a worker that is told to end goes on with what it has in hand, before it hands it back.
WORKER_DRAIN_SECONDS = env.float("WORKER_DRAIN_SECONDS", 20)
PHOTO_MAX_BYTES = 10 * 1024 * 1024
PHOTO_LINK_SECONDS = 600

# --- Money ------------------------------------------------------------------------------------
YOOKASSA_URL = env.str("YOOKASSA_URL", "https://api.yookassa.ru/v3/")
YOOKASSA_SHOP_ID = env.str("YOOKASSA_SHOP_ID", "")
YOOKASSA_SECRET_KEY = env.str("YOOKASSA_SECRET_KEY", "")
# From where YooKassa calls. Its documentation names no others.
YOOKASSA_NETWORKS = env.list("YOOKASSA_NETWORKS", default=[]) or [
    "185.71.76.0/27", "185.71.77.0/27", "77.75.153.0/25", "77.75.154.128/25",
    "77.75.156.11", "77.75.156.35", "2a02:5180::/32",
]  # fmt: skip
# A receipt by 54-FZ with each payment, in the shop's own codes.
YOOKASSA_RECEIPTS = env.bool("YOOKASSA_RECEIPTS", False)
YOOKASSA_VAT_CODE = env.int("YOOKASSA_VAT_CODE", 1)
YOOKASSA_TAX_SYSTEM = env.int("YOOKASSA_TAX_SYSTEM", 0)
YOOKASSA_PAYMENT_SUBJECT = env.str("YOOKASSA_PAYMENT_SUBJECT", "service")
YOOKASSA_PAYMENT_MODE = env.str("YOOKASSA_PAYMENT_MODE", "full_payment")
if YOOKASSA_VAT_CODE not in range(1, 13) or YOOKASSA_TAX_SYSTEM not in range(7):
    raise ImproperlyConfigured("YOOKASSA_VAT_CODE is 1 to 12, YOOKASSA_TAX_SYSTEM 1 to 6.")
BOT_API_URL = env.str("BOT_API_URL", "https://api.telegram.org")
# Who looks for what must not be in the books: each yields sentences.
AUDITS = ["billing.audit.findings", "generation.audit.findings"]
# Whose midnight ends a day in reports and for the tax office.
REPORT_TIME_ZONE = env.str("REPORT_TIME_ZONE", "Europe/Moscow")
# The bell that is rung when something was paid that somebody waits for.
PAID_BELL = "generation.tasks.run_errands"

# --- API --------------------------------------------------------------------------------------
REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": [
        "telegram_integration.api_keys.ApiKeyAuthentication",
        "telegram_integration.api_keys.SignedInSession",
    ],
    "DEFAULT_PERMISSION_CLASSES": ["rest_framework.permissions.IsAuthenticated"],
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_PARSER_CLASSES": ["rest_framework.parsers.JSONParser"],
    "DEFAULT_FILTER_BACKENDS": ["django_filters.rest_framework.DjangoFilterBackend"],
    "DEFAULT_PAGINATION_CLASS": "aibot.api.NewestFirst",
    "DEFAULT_SCHEMA_CLASS": "drf_spectacular.openapi.AutoSchema",
    "DEFAULT_THROTTLE_CLASSES": [
        "rest_framework.throttling.AnonRateThrottle",
        "rest_framework.throttling.UserRateThrottle",
    ],
    "DEFAULT_THROTTLE_RATES": {
        "anon": env.str("THROTTLE_ANON", "60/min"),
        "user": env.str("THROTTLE_USER", "600/min"),
    },
    "NUM_PROXIES": env.int("TRUSTED_PROXIES", 0),
    "EXCEPTION_HANDLER": "aibot.api.answer_error",
    "UNAUTHENTICATED_USER": "django.contrib.auth.models.AnonymousUser",
}
SPECTACULAR_SETTINGS = {
    "TITLE": "AI picture studio",
    "DESCRIPTION": "Try on clothes, edit photos, make pictures from words.",
    "VERSION": VERSION,
    "SERVE_INCLUDE_SCHEMA": False,
    "SERVE_PERMISSIONS": ["rest_framework.permissions.AllowAny"],
    "SCHEMA_PATH_PREFIX": "/api/v1",
    "SWAGGER_UI_DIST": "SIDECAR",
    "SWAGGER_UI_FAVICON_HREF": "SIDECAR",
    "COMPONENT_SPLIT_REQUEST": True,
    # tests/aibot/test_schema.py looks at it; at every deploy it would cost half a second.
    "ENABLE_DJANGO_DEPLOY_CHECK": False,
    "POSTPROCESSING_HOOKS": [
        "drf_spectacular.hooks.postprocess_schema_enums",
        "aibot.schema.say_refusals",
    ],
    "ENUM_NAME_OVERRIDES": {
        "ToolEnum": "generation.models.Tool.choices",
        "StateEnum": "generation.models.State.choices",
        "ZoneEnum": "generation.models.Zone.choices",
        "AspectEnum": "generation.models.Aspect.choices",
        "PaymentStatusEnum": "billing.models.Payment.Status",
        "RefundStatusEnum": "billing.models.Refund.Status",
        "GiftStatusEnum": "billing.models.Gift.Status",
    },
}
DATA_UPLOAD_MAX_MEMORY_SIZE = 256 * 1024  # of JSON; photos have a limit of their own
# How long web and socket, told to end, still serve while /readyz says 503: as long as a balancer
# takes to notice.
DRAIN_SECONDS = env.float("DRAIN_SECONDS", 3)

# --- Pages ------------------------------------------------------------------------------------
LANGUAGE_CODE = "en"
LANGUAGES = [("en", "English"), ("ru", "Русский")]
LOCALE_PATHS = [BASE_DIR / "locale"]
USE_TZ = True
TIME_ZONE = "UTC"

STATIC_URL = "/static/"
STATIC_ROOT = BASE_DIR / "staticfiles"
STATICFILES_DIRS = [BASE_DIR / "static"]
MEDIA_ROOT = DATA_DIR / "media"
# The internal address at which nginx before us has that folder; empty: we send pictures ourselves.
MEDIA_ACCEL = env.str("MEDIA_ACCEL", "")
WHITENOISE_USE_FINDERS = DEBUG
# Photos in a bucket instead; needs requirements/s3.txt. The bucket itself must be private.
S3_BUCKET = env.str("S3_BUCKET", "")
if S3_BUCKET:
    MEDIA_ACCEL = ""  # the folder is empty
S3_ADDRESSING_STYLE = env.str("S3_ADDRESSING_STYLE", "auto")
S3_WHERE = {
    "endpoint_url": env.str("S3_ENDPOINT_URL", ""),
    "region_name": env.str("S3_REGION", ""),
    "access_key": env.str("S3_ACCESS_KEY", ""),
    "secret_key": env.str("S3_SECRET_KEY", ""),
}
# Backups in a bucket of their own, at the same server and by the same keys.
BACKUP_BUCKET = env.str("BACKUP_BUCKET", "")
STORAGES = {
    "default": bucket.storage(S3_BUCKET, S3_WHERE, S3_ADDRESSING_STYLE)
    if S3_BUCKET
    else {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {
        "BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"
        if DEBUG
        else "whitenoise.storage.CompressedManifestStaticFilesStorage"
    },
    "backups": bucket.storage(BACKUP_BUCKET, S3_WHERE, S3_ADDRESSING_STYLE)
    if BACKUP_BUCKET
    else {
        "BACKEND": "aibot.backups.place.Folder",
        "OPTIONS": {"location": env.str("BACKUP_DIR", str(DATA_DIR / "backups"))},
    },
}

# --- Backups: off without a key -----------------------------------------------------------------
# Public keys of age. Whoever has the secret one to any of them can restore; the server cannot.
BACKUP_KEY = env.list("BACKUP_KEY", default=[])
try:
    BACKUP_AT = time.fromisoformat(env.str("BACKUP_AT", "03:30"))
except ValueError:
    raise ImproperlyConfigured("BACKUP_AT is a time of day in UTC, like 03:30.") from None
# Where rows are dumped from, if DATABASE_URL goes through a pooler, which has no snapshots.
BACKUP_DATABASE = env.db_url("BACKUP_DATABASE_URL") if env.str("BACKUP_DATABASE_URL", "") else {}

# --- Security ---------------------------------------------------------------------------------
TELEGRAM_SCRIPT = "https://telegram.org"
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [SELF],
        "script-src": [SELF, TELEGRAM_SCRIPT],
        "style-src": [SELF],
        "img-src": [SELF, "data:", "blob:"],
        "connect-src": [SELF],
        "object-src": [NONE],
        "base-uri": [NONE],
        "form-action": [SELF],
        # Telegram's web client shows the Mini App in a frame, so X-Frame-Options stays unset.
        "frame-ancestors": [SELF, "https://web.telegram.org", "https://*.telegram.org"],
    }
}
SILENCED_SYSTEM_CHECKS = [
    "security.W002",  # frame-ancestors says it better, see above
    "security.W005",  # the domain's other names are their owner's to decide about,
    "security.W021",  # and a browser's preload list cannot be left again
]
SECURE_REFERRER_POLICY = "same-origin"
SECURE_CONTENT_TYPE_NOSNIFF = True
SECURE_CROSS_ORIGIN_OPENER_POLICY = "same-origin-allow-popups"
if HTTPS:
    SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
    SECURE_HSTS_SECONDS = 31536000
    SECURE_SSL_REDIRECT = True
    # Supervisors and Prometheus ask the process itself, without TLS.
    SECURE_REDIRECT_EXEMPT = [r"^(api/)?health$", r"^livez$", r"^readyz$", r"^metrics$"]

# --- Eyes -------------------------------------------------------------------------------------
METRICS_TOKEN = env.str("METRICS_TOKEN", "")
LOG_FORMAT = env.str("LOG_FORMAT", "line" if DEBUG else "json")
if LOG_FORMAT not in logs.FORMATS:
    raise ImproperlyConfigured("LOG_FORMAT is json or line.")
LOGGING = logs.configuration(LOG_FORMAT, env.str("LOG_LEVEL", "WARNING"))
# The chat in which the owner hears of alerts, and how many messages an hour at most.
OWNER_CHAT_ID = env.int("OWNER_CHAT_ID", 0)
OWNER_ALERTS_AN_HOUR = env.int("OWNER_ALERTS_AN_HOUR", 10)
# Errors are sent to it, without secrets and people; empty: nowhere.
SENTRY_DSN = env.str("SENTRY_DSN", "")
if SENTRY_DSN:
    sentry.begin(
        SENTRY_DSN,
        release=f"{VERSION}+{COMMIT[:12]}" if COMMIT else VERSION,
        environment="debug" if DEBUG else "production",
    )
