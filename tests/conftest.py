from __future__ import annotations

import os
import tempfile

os.environ.setdefault("VAR_DIR", tempfile.mkdtemp(prefix="studio-test-"))
os.environ.setdefault("SECRET_KEY", "test-key-of-the-suite")
os.environ.setdefault("FIELD_ENCRYPTION_KEYS", "test-ring")
