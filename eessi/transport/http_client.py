"""The HTTP edge outwards: one post, TLS 1.2 or newer, no redirects, answers under a cap. Needs the extra ``transport``."""

from __future__ import annotations

import ssl
from pathlib import Path
from types import TracebackType

from eessi.errors import MissingExtra, UsageError

try:
    import httpx
except ModuleNotFoundError:
    raise MissingExtra("transport", "sending over HTTP") from None

from eessi.octets import PIECE, Bulk, Octets, Spool
from eessi.transport.limits import DEFAULT_LIMITS, Limits
from eessi.transport.wire import Answer, Unreachable

__all__ = ["HttpWire", "client_tls"]


def client_tls(
    *,
    certificate: Path | None = None,
    key: Path | None = None,
    password: str | None = None,
    trusted: Path | None = None,
) -> ssl.SSLContext:
    """TLS for a client: 1.2 or newer, the server always checked.

    :param certificate: our client certificate (PEM), for mutual TLS.
    :param trusted: authorities to trust (PEM); those of the system by default.
    :raises UsageError: when a file cannot be used.
    """
    try:
        context = ssl.create_default_context(cafile=None if trusted is None else str(trusted))
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        if certificate is not None:
            context.load_cert_chain(certificate, key, password=lambda: password or "")
    except (OSError, ssl.SSLError):
        raise UsageError("the TLS certificate, its key or the trusted authorities cannot be read") from None
    return context


class HttpWire:
    """A :class:`~eessi.transport.wire.Wire` over HTTP.

    :param timeout: seconds to connect, and between two pieces of the answer.
    """

    def __init__(
        self, *, tls: ssl.SSLContext | None = None, timeout: float = 60.0, limits: Limits = DEFAULT_LIMITS
    ) -> None:
        self._limits = limits
        self._client = httpx.Client(
            verify=tls if tls is not None else client_tls(), timeout=timeout, follow_redirects=False, trust_env=False
        )

    def post(self, url: str, content_type: str, body: Octets) -> Answer:
        """Post ``body``; see :meth:`eessi.transport.wire.Wire.post`.

        :raises Unreachable: when no answer came.
        """
        try:
            content = body.pieces() if isinstance(body, Bulk) else body
            headers = {"Content-Type": content_type, "Content-Length": str(len(body))}
            with self._client.stream("POST", url, content=content, headers=headers) as response:
                spool = Spool()
                for piece in response.iter_bytes(PIECE):
                    spool.write(piece)
                    if spool.length > self._limits.message:
                        raise Unreachable(f"the answer of {url} is larger than allowed", maybe_sent=True)
                return Answer(response.status_code, response.headers.get("Content-Type", ""), spool.done())
        except (httpx.ConnectError, httpx.ConnectTimeout, httpx.UnsupportedProtocol, httpx.InvalidURL) as error:
            raise Unreachable(f"{url} cannot be reached ({type(error).__name__})", maybe_sent=False) from None
        except httpx.HTTPError as error:
            raise Unreachable(f"{url} gave no answer ({type(error).__name__})", maybe_sent=True) from None

    def close(self) -> None:
        """Give back the connections."""
        self._client.close()

    def __enter__(self) -> HttpWire:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
