"""All settings. Every default is the embedded mode: SQLite, no broker, one machine."""

from __future__ import annotations

import os
import tomllib
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from config import lock_out, visual
from config.applications import INSTALLED_APPS as INSTALLED_APPS
from config.applications import MIDDLEWARE as MIDDLEWARE
from config.broker import transport_options
from config.environment import env
from config.http_api import API, SPECTACULAR
from config.keys import key_from_file
from config.studio import STUDIO

BASE_DIR = Path(__file__).resolve().parent.parent
VERSION = tomllib.loads((BASE_DIR / "pyproject.toml").read_text())["project"]["version"]
VAR_DIR = env.folder("VAR_DIR", default=BASE_DIR / "var")

# --- Product limits --------------------------------------------------------------------------

DEMO_DATA = env.bool("DEMO_DATA", default=True)
ATTACHMENT_MAX_BYTES = env.int("ATTACHMENT_MAX_BYTES", default=25 * 1024 * 1024)
WEBHOOK_MAX_BYTES = env.int("WEBHOOK_MAX_BYTES", default=5 * 1024 * 1024)
AUDIENCE_FILE_MAX_BYTES = env.int("AUDIENCE_FILE_MAX_BYTES", default=2 * 1024**3)
AUDIENCE_URL_ALLOW_PRIVATE = env.bool("AUDIENCE_URL_ALLOW_PRIVATE", default=False)
AUDIENCE_URL_SECONDS = env.int("AUDIENCE_URL_SECONDS", default=60)
DEFAULT_PHONE_REGION = env("DEFAULT_PHONE_REGION", default="US")
# Of the embedded mode: the first also does everything else. A second one pays from two cores on.
SEND_PROCESSES = max(1, env.int("SEND_PROCESSES", default=min(2, os.cpu_count() or 1)))
SEND_LEASE_SECONDS = env.int("SEND_LEASE_SECONDS", default=300)
SEND_DEADLINE_SECONDS = env.int("SEND_DEADLINE_SECONDS", default=30)
# Days after which what is over is deleted; 0 keeps it for good.
KEEP_MESSAGES_DAYS = env.int("KEEP_MESSAGES_DAYS", default=0)
KEEP_EVENTS_DAYS = env.int("KEEP_EVENTS_DAYS", default=0)
KEEP_UNMATCHED_DAYS = env.int("KEEP_UNMATCHED_DAYS", default=30)
KEEP_WEBHOOK_DELIVERIES_DAYS = env.int("KEEP_WEBHOOK_DELIVERIES_DAYS", default=30)
# Whether recipients may turn off transactional messages too, on the preference page.
TRANSACTIONAL_OPT_OUT = env.bool("TRANSACTIONAL_OPT_OUT", default=True)
UNCERTAIN_ALERT_MINUTES = env.int("UNCERTAIN_ALERT_MINUTES", default=60)
VISUAL_EDITOR = env.bool("VISUAL_EDITOR", default=True)
# Of one-time passwords: what was asked for, and the audit trail.
OTP_KEEP_REQUESTS_DAYS = env.int("OTP_KEEP_REQUESTS_DAYS", default=30)
OTP_KEEP_ENTRIES_DAYS = env.int("OTP_KEEP_ENTRIES_DAYS", default=365)
# Of partner integrations: the bytes of their documents, and AS2 stations in our own network.
KEEP_DOCUMENTS_DAYS = env.int("KEEP_DOCUMENTS_DAYS", default=0)
INTEGRATIONS_ALLOW_PRIVATE_HOSTS = env.bool("INTEGRATIONS_ALLOW_PRIVATE_HOSTS", default=False)
WEBHOOK_ALLOW_PRIVATE = env.bool("WEBHOOK_ALLOW_PRIVATE", default=False)  # calls into our network
CRASH_POINT = env("OMNI_CRASH", default="")

# --- Security --------------------------------------------------------------------------------

DEBUG = env.bool("DEBUG", default=False)
SECRET_KEY = env("SECRET_KEY", default="") or key_from_file(VAR_DIR / "secret_key")
# Keys of before: what they signed still counts, such as the links in mails that were sent.
SECRET_KEY_FALLBACKS = env.list("SECRET_KEY_FALLBACKS", default=[])
FIELD_ENCRYPTION_KEYS = env.list("FIELD_ENCRYPTION_KEYS", default=[]) or [
    key_from_file(VAR_DIR / "field_encryption_key")
]
# Of the digests of one-time passwords: the first makes them, the others still know theirs.
# None: they are derived from FIELD_ENCRYPTION_KEYS.
OTP_HASH_KEYS = env.list("OTP_HASH_KEYS", default=[])
PUBLIC_URL = env("PUBLIC_URL", default="").rstrip("/")
IS_HTTPS = PUBLIC_URL.startswith("https://")

HOST = env("HOST", default="127.0.0.1")
PORT = env.port("PORT", default=8000)
SFTP_HOST = env("SFTP_HOST", default=HOST)
SFTP_PORT = env.port("SFTP_PORT", default=2222)
ALLOWED_HOSTS = [*env.list("ALLOWED_HOSTS", default=[]), "127.0.0.1", "localhost", "[::1]", HOST]
if PUBLIC_URL:
    ALLOWED_HOSTS.append(urlsplit(PUBLIC_URL).hostname or "")
    CSRF_TRUSTED_ORIGINS = ["{0.scheme}://{0.netloc}".format(urlsplit(PUBLIC_URL))]

SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = SECURE_SSL_REDIRECT = IS_HTTPS
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_AGE = 12 * 60 * 60
SECURE_HSTS_SECONDS = env.int("SECURE_HSTS_SECONDS", default=31_536_000 if IS_HTTPS else 0)
SECURE_HSTS_INCLUDE_SUBDOMAINS = SECURE_HSTS_PRELOAD = IS_HTTPS
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if IS_HTTPS else None
SECURE_REDIRECT_EXEMPT = [r"^healthz$", r"^readyz$", r"^metrics$"]
SECURE_REFERRER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"
METRICS_TOKEN = env("METRICS_TOKEN", default="")

# Sign-in: the limits of wrong passwords, and for how long a browser is spared the second factor.
LOGIN_LOCK_MINUTES = lock_out.MINUTES
AXES_FAILURE_LIMIT, AXES_COOLOFF_TIME = lock_out.FAILURES, timedelta(minutes=lock_out.MINUTES)
globals().update(lock_out.AXES)
AUTHENTICATION_BACKENDS = [
    "axes.backends.AxesStandaloneBackend",  # refuses who is locked out
    "django.contrib.auth.backends.ModelBackend",
]
TWO_FACTOR_REMEMBER_DAYS = env.int("TWO_FACTOR_REMEMBER_DAYS", default=30)  # 0: never

# The web server of `up`. A proxy's headers count only when it is the one named here.
TRUSTED_PROXY = env("TRUSTED_PROXY", default="127.0.0.1" if IS_HTTPS else "")
WAITRESS: dict[str, Any] = {"max_request_body_size": AUDIENCE_FILE_MAX_BYTES + 1024**2}
if TRUSTED_PROXY:
    WAITRESS["trusted_proxy"] = TRUSTED_PROXY
    WAITRESS["trusted_proxy_headers"] = {"x-forwarded-for", "x-forwarded-proto"}

# --- Applications ----------------------------------------------------------------------------

ROOT_URLCONF = "config.urls"
WSGI_APPLICATION = "config.wsgi.application"
LOGIN_URL = "admin:login"
LOGIN_REDIRECT_URL = "admin:index"

TEMPLATES: list[dict[str, Any]] = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ],
        },
    },
]

# --- Database --------------------------------------------------------------------------------

DATABASES: dict[str, dict[str, Any]] = {
    "default": env.database("DATABASE_URL", default=f"sqlite:///{VAR_DIR / 'studio.sqlite3'}")
}
IS_SQLITE = DATABASES["default"]["ENGINE"].endswith("sqlite3")
if IS_SQLITE:
    DATABASES["default"]["ENGINE"] = "omnichannel.sqlite3"
    DATABASES["default"]["OPTIONS"] = {
        "transaction_mode": "IMMEDIATE",
        "timeout": 20,
        "init_command": (
            "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA cache_size=-32000;"
            # A page that changes again and again is copied into the database less often.
            "PRAGMA wal_autocheckpoint=5000;"
            # What a long reader made the log grow to is given back when it has ended.
            "PRAGMA journal_size_limit=67108864;"
        ),
    }
else:
    DATABASES["default"]["CONN_HEALTH_CHECKS"] = True
    # A process that was stopped in the middle of a transaction must not hold up all others.
    IDLE_TRANSACTION_SECONDS = env.int("IDLE_TRANSACTION_SECONDS", default=60)
    if IDLE_TRANSACTION_SECONDS:
        _options = DATABASES["default"].setdefault("OPTIONS", {})
        _limit = f"-c idle_in_transaction_session_timeout={IDLE_TRANSACTION_SECONDS}s"
        _options["options"] = f"{_options.get('options', '')} {_limit}".strip()
DATABASES["default"].setdefault("CONN_MAX_AGE", 60)
OLD_TRANSACTION_SECONDS = env.int("OLD_TRANSACTION_SECONDS", default=300)
WAL_MAX_BYTES = 512 * 1024**2
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {
        "NAME": "django.contrib.auth.password_validation.MinimumLengthValidator",
        "OPTIONS": {"min_length": 10},
    },
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
    {"NAME": "django.contrib.auth.password_validation.NumericPasswordValidator"},
]

# --- Time, files, static ---------------------------------------------------------------------

LANGUAGE_CODE = "en-us"
TIME_ZONE = "UTC"
FORMAT_MODULE_PATH = ["config.formats"]

STATIC_URL = "/static/"
STATICFILES_DIRS = [BASE_DIR / "static", *visual.static_folders(BASE_DIR / "frontend")]
STORAGES = {
    "default": {"BACKEND": "omnichannel.room.WholeFiles"},
    "staticfiles": {"BACKEND": "config.static.VersionedStorage"},
}
# Files are served from the packages that ship them: a start needs no collectstatic.
WHITENOISE_USE_FINDERS = True
WHITENOISE_MAX_AGE = 24 * 60 * 60
WHITENOISE_ALLOW_ALL_ORIGINS = False
MEDIA_ROOT = VAR_DIR / "media"
FILE_UPLOAD_PERMISSIONS = 0o600
FILE_UPLOAD_HANDLERS = [
    "django.core.files.uploadhandler.MemoryFileUploadHandler",
    "omnichannel.room.TemporaryFiles",
]
DATA_UPLOAD_MAX_MEMORY_SIZE = 32 * 1024 * 1024
DATA_UPLOAD_MAX_NUMBER_FIELDS = 20_000

# --- Celery ----------------------------------------------------------------------------------

CELERY_BROKER_URL = env("CELERY_BROKER_URL", default="")
IS_EMBEDDED = not CELERY_BROKER_URL
if IS_EMBEDDED:
    # A task that is sent off by mistake waits here and not for a broker that nobody runs.
    CELERY_BROKER_URL = "memory://"
CELERY_TIMEZONE = "UTC"
CELERY_BEAT_SCHEDULER = "django_celery_beat.schedulers:DatabaseScheduler"
CELERY_TASK_DEFAULT_QUEUE = "default"
CELERY_TASK_IGNORE_RESULT = True
# No results, so nothing to clean up: else beat adds a periodic task of its own.
CELERY_RESULT_EXPIRES = None
CELERY_TASK_ACKS_LATE = True
CELERY_TASK_REJECT_ON_WORKER_LOST = True
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_WORKER_HIJACK_ROOT_LOGGER = False
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_BROKER_TRANSPORT_OPTIONS = transport_options(CELERY_BROKER_URL)
DJANGO_CELERY_BEAT_TZ_AWARE = True

# --- import-export, history ------------------------------------------------------------------

IMPORT_EXPORT_EXPORT_PERMISSION_CODE = "export"
IMPORT_EXPORT_IMPORT_PERMISSION_CODE = "import"
SIMPLE_HISTORY_REVERT_DISABLED = True

# --- HTTP API --------------------------------------------------------------------------------

API_MAX_BYTES = env.int("API_MAX_BYTES", default=32 * 1024 * 1024)
REST_FRAMEWORK = API
SPECTACULAR_SETTINGS: dict[str, Any] = {**SPECTACULAR, "VERSION": VERSION}

# --- Logging ---------------------------------------------------------------------------------

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {
        "line": {
            "format": "%(asctime)s %(levelname)-7s %(name)s: %(message)s",
            "datefmt": "%Y-%m-%d %H:%M:%S",
        }
    },
    "filters": {"without_tokens": {"()": "config.logs.WithoutTokens"}},
    "handlers": {
        "console": {
            "class": "logging.StreamHandler",
            "formatter": "line",
            "filters": ["without_tokens"],
        }
    },
    "root": {"handlers": ["console"], "level": env("LOG_LEVEL", default="INFO")},
    "loggers": {
        "django.request": {"level": "ERROR"},
        "waitress": {"level": "ERROR"},
        "axes": {"level": "WARNING"},
        "celery": {"level": "WARNING"},
        "django_celery_beat": {"level": "WARNING"},
    },
}

UNFOLD = STUDIO
