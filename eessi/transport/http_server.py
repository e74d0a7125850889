"""The HTTP edge inwards: an ASGI application that any server runs. Needs the extra ``transport``.

It reads a body under caps of size and time, hands it to a handler in a thread, and writes the answer. No page, no
state, no log of bodies.
"""

from __future__ import annotations

import asyncio
import datetime as dt
from collections.abc import Callable, Mapping
from typing import Final

from eessi.errors import EessiError, MissingExtra

try:
    from starlette.applications import Starlette
    from starlette.concurrency import run_in_threadpool
    from starlette.requests import ClientDisconnect, Request
    from starlette.responses import Response, StreamingResponse
    from starlette.routing import Route
except ModuleNotFoundError:
    raise MissingExtra("transport", "receiving over HTTP") from None

from eessi.octets import Bulk, Octets, Spool
from eessi.transport.limits import DEFAULT_LIMITS, Limits
from eessi.transport.wire import Answer, Unreachable

__all__ = ["Handler", "as4_app"]

Handler = Callable[[Octets, str, dt.datetime], Answer]
"""Body, content type, moment -> answer."""


_SLOWEST: Final = 1024 * 1024
"""Bytes a second that a large body must reach."""


def as4_app(
    doors: Mapping[str, Handler],
    *,
    clock: Callable[[], dt.datetime] = lambda: dt.datetime.now(dt.UTC),
    limits: Limits = DEFAULT_LIMITS,
    body_seconds: float = 120.0,
) -> Starlette:
    """An application with one handler per path.

    :param doors: path (``/as4``) -> handler; a handler that raises gives 503, so that the sender tries again.
    :param body_seconds: how long a sender may take for its body; every MiB that has come adds a second.
    """
    routes = [
        Route(path, _door(handler, clock, limits, body_seconds), methods=["POST"]) for path, handler in doors.items()
    ]
    return Starlette(routes=routes)


def _door(
    handler: Handler, clock: Callable[[], dt.datetime], limits: Limits, body_seconds: float
) -> Callable[[Request], object]:
    async def door(request: Request) -> Response:
        try:
            body = await _body(request, limits.message, body_seconds)
        except TimeoutError:
            return Response(status_code=408)
        except ClientDisconnect:
            return Response(status_code=400)
        if body is None:
            return Response(status_code=413)
        if not body:
            return Response(status_code=400)
        content_type = request.headers.get("content-type", "")
        try:
            answer = await run_in_threadpool(handler, body, content_type, clock())
        except (EessiError, Unreachable):
            return Response(status_code=503)
        if isinstance(answer.body, Bulk):
            headers = {"Content-Type": answer.content_type, "Content-Length": str(len(answer.body))}
            return StreamingResponse(answer.body.pieces(), answer.status, headers)
        return Response(answer.body, answer.status, media_type=answer.content_type or None)

    return door


async def _body(request: Request, limit: int, seconds: float) -> Octets | None:
    """The body, or ``None`` as soon as it is over the limit.

    :raises TimeoutError: when it comes too slowly; what has come buys time for the rest, at :data:`_SLOWEST`.
    """
    announced = request.headers.get("content-length", "0")
    if not announced.isdigit() or int(announced) > limit:
        return None
    spool, began = Spool(), asyncio.get_running_loop().time()
    async with asyncio.timeout(seconds) as patience:
        async for piece in request.stream():
            if spool.length + len(piece) > limit:
                return None
            spool.write(piece)
            patience.reschedule(began + seconds + spool.length / _SLOWEST)
    return spool.done()
