"""The product's settings, in a folder of this test process's own and free of the shell's choices.

pytest-django reads the settings before any conftest: what they depend on is set here.
"""

from __future__ import annotations

import atexit
import os
import shutil
import tempfile
from importlib import import_module

_OF_THE_SHELL = (
    "ADMIN_PASSWORD ALLOWED_HOSTS CELERY_BROKER_URL DEBUG DEMO_DATA HOST METRICS_TOKEN OMNI_CRASH "
    "PORT PUBLIC_URL SFTP_HOST SFTP_PORT SECRET_KEY_FALLBACKS TRANSACTIONAL_OPT_OUT TRUSTED_PROXY"
)
for _name in _OF_THE_SHELL.split():
    os.environ.pop(_name, None)

os.environ["VAR_DIR"] = tempfile.mkdtemp(prefix="studio-test-")
os.environ["SECRET_KEY"] = "test-key-of-the-suite"
os.environ["FIELD_ENCRYPTION_KEYS"] = "test-ring"
atexit.register(shutil.rmtree, os.environ["VAR_DIR"], ignore_errors=True)

globals().update({name: value for name, value in vars(import_module("config.settings")).items()})

PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
# Every test client starts the middleware anew, and would look for every static file.
WHITENOISE_AUTOREFRESH = True
# A test logs in as it likes. Those of the lock-out itself turn it on.
AXES_ENABLED = False

# In memory, also in parallel, which pytest-django does by itself for Django's own engine only.
_database = globals()["DATABASES"]["default"]
if globals()["IS_SQLITE"]:
    _database["TEST"] = {"NAME": ":memory:"}
