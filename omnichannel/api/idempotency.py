"""`Idempotency-Key` for handlers that send: the same call again is answered, not done again.

    @idempotent()
    def create(self, request: Request) -> Response: ...

The handler runs in a transaction with its reply. One that calls a provider declares
`@idempotent(in_transaction=False)`, and calls `provide(status, data)` in the transaction
after which doing it again would do harm.
"""

from __future__ import annotations

import contextlib
import functools
import hashlib
import uuid
from collections.abc import Callable
from contextvars import ContextVar
from typing import Any

from django.db import transaction
from django.http import HttpResponse, QueryDict
from django.utils import timezone
from rest_framework.exceptions import ValidationError
from rest_framework.renderers import JSONRenderer
from rest_framework.request import Request
from rest_framework.response import Response

from omnichannel import kept_replies
from omnichannel.kept_replies import Call, Reply
from omnichannel.models import ApiKey

HEADER = "Idempotency-Key"
LONGEST = 255
Handler = Callable[..., Any]
_claim: ContextVar[uuid.UUID | None] = ContextVar("claim", default=None)


class Failed(Exception):
    """The handler answered with an error: what it did is undone, and nothing is kept."""

    def __init__(self, response: Response) -> None:
        super().__init__()
        self.response = response


def idempotent(*, in_transaction: bool = True) -> Callable[[Handler], Handler]:
    def decorate(handler: Handler) -> Handler:
        @functools.wraps(handler)
        def answer(view: Any, request: Request, *args: Any, **kwargs: Any) -> Any:
            if HEADER not in request.headers:
                return handler(view, request, *args, **kwargs)
            claim = kept_replies.begin(call_of(request), timezone.now())
            if isinstance(claim, Reply):
                return again(claim)
            work = functools.partial(handler, view, request, *args, **kwargs)
            token = _claim.set(claim)
            try:
                return _once(claim, work, in_transaction)
            finally:
                _claim.reset(token)

        vars(answer)["is_idempotent"] = True
        return answer

    return decorate


def provide(status: int, data: Any) -> None:
    """What is answered to the call's repetitions if this process dies from now on."""
    claim = _claim.get()
    if claim is not None:
        kept_replies.provide(claim, Reply(status, rendered(data)))


def withdraw() -> None:
    """What was provided for did not happen: the call may be made again."""
    claim = _claim.get()
    if claim is not None:
        kept_replies.withdraw(claim)


def call_of(request: Request) -> Call:
    assert isinstance(request.auth, ApiKey)
    key = request.headers[HEADER]
    if not (1 <= len(key) <= LONGEST and key.isascii() and key.isprintable()):
        raise ValidationError({HEADER: [f"Give 1 to {LONGEST} printable ASCII characters."]})
    http = request._request
    match = http.resolver_match
    said = b"\0".join((str(http.method).encode(), http.get_full_path().encode(), _body(request)))
    return Call(
        api_key=request.auth,
        route=(match.route if match else http.path)[:200],
        key=key,
        body_digest=hashlib.sha256(said).hexdigest(),
    )


def _body(request: Request) -> bytes:
    """What tells two bodies apart. Of a form: its parts, for what is between them is random."""
    http = request._request
    if http.content_type != "multipart/form-data":
        return http.body
    assert isinstance(request.data, QueryDict)
    digest = hashlib.sha256()
    for name, values in sorted(request.data.lists(), key=lambda pair: pair[0]):
        for value in values:
            digest.update(repr((name, getattr(value, "name", value))).encode())
            for part in value.chunks() if hasattr(value, "chunks") else ():
                digest.update(part)
    return digest.digest()


def again(reply: Reply) -> HttpResponse:
    return HttpResponse(
        reply.content,
        status=reply.status,
        content_type="application/json",
        headers={"Idempotent-Replayed": "true"},
    )


def rendered(data: Any) -> str:
    return JSONRenderer().render(data).decode()


def _once(claim: uuid.UUID, work: Callable[[], Response], in_transaction: bool) -> Response:
    try:
        with transaction.atomic() if in_transaction else contextlib.nullcontext():
            response = work()
            if response.status_code >= 400:
                raise Failed(response)
            reply = Reply(response.status_code, rendered(response.data))
            kept_replies.finish(claim, reply, timezone.now())
    except Failed as failure:
        kept_replies.let_go(claim, timezone.now())
        return failure.response
    except Exception:
        kept_replies.let_go(claim, timezone.now())
        raise
    return response
