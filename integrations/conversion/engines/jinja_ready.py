"""All that the template language imports, also to tell of a fault: a job can open no file."""

from __future__ import annotations

import contextlib

from integrations.conversion.engines import jinja
from integrations.exceptions import RuleInvalid

for _broken in ("{{", "{{ x|unknown }}", "{% for %}", "{{ x + 1 }}"):
    with contextlib.suppress(RuleInvalid):
        jinja.compiled(_broken, "text")
