"""Who may ask the backend, and how much at once: the secret and the limit on a request's body."""

import base64
import binascii
import hmac
import ipaddress

from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

SECRET_HEADER = "X-Labelscape-Secret"


def is_loopback(host: str) -> bool:
    """Whether only this machine reaches a server that listens at `host`."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


class Guard:
    """ASGI middleware: every request must show the secret, and no body may be larger than allowed.

    The secret is the password of basic authentication, which Label Studio (1.23) sends everywhere but to /webhook,
    or the header `SECRET_HEADER`.
    """

    def __init__(self, app: ASGIApp, *, secret: str, body_bytes: int) -> None:
        if not secret:
            raise ValueError("The backend needs a secret.")
        self.app = app
        self._secret = secret.encode()
        self._body_bytes = body_bytes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, or refuse it: 401 without the secret, 413 with too large a body."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        if not self._knows_secret(headers):
            refusal = JSONResponse(
                {"detail": f"Show the secret, as the password of basic authentication or in {SECRET_HEADER}."},
                status_code=401,
                headers={"WWW-Authenticate": 'Basic realm="labelscape"'},
            )
            await refusal(scope, receive, send)
        else:
            await self.app(scope, self._limited(receive), send)

    def _knows_secret(self, headers: Headers) -> bool:
        shown = (headers.get(SECRET_HEADER, ""), _basic_password(headers.get("Authorization", "")))
        return any(hmac.compare_digest(each.encode(), self._secret) for each in shown)

    def _limited(self, receive: Receive) -> Receive:
        received = 0

        async def limited() -> Message:
            nonlocal received
            message = await receive()
            received += len(message.get("body", b""))
            if received > self._body_bytes:
                raise HTTPException(413, f"The request's body is larger than {self._body_bytes:,} bytes.")
            return message

        return limited


def _basic_password(authorization: str) -> str:
    scheme, _, credentials = authorization.partition(" ")
    if scheme.lower() != "basic":
        return ""
    try:
        return base64.b64decode(credentials, validate=True).decode().partition(":")[2]
    except (binascii.Error, ValueError):
        return ""
