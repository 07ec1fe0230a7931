"""Access control and request limits: the secret, and the size and speed of a request's body."""

import asyncio
import base64
import binascii
import hmac
import ipaddress
from collections.abc import Callable

from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from ..label_studio.settings import Limits, ServerSettings

SECRET_HEADER = "X-Labelscape-Secret"


def is_loopback(host: str) -> bool:
    """Whether only this machine can reach a server that listens at `host`."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


class Guard:
    """ASGI middleware: every request must have the secret, and no body may be larger or slower than allowed.

    The secret is the password of basic authentication, which Label Studio (1.23) sends everywhere but to /webhook,
    or the header `SECRET_HEADER`.
    """

    def __init__(self, app: ASGIApp, *, settings: Callable[[], ServerSettings]) -> None:
        if not settings().secret:
            raise ValueError("The backend needs a secret.")
        self.app = app
        self._settings = settings

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, or refuse it: 401 without the secret, 413 with too large a body, 408 with a slow one."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        if not self._knows_secret(headers):
            refusal = JSONResponse(
                {"detail": f"Send the secret, as the password of basic authentication or in {SECRET_HEADER}."},
                status_code=401,
                headers={"WWW-Authenticate": 'Basic realm="labelscape"'},
            )
            await refusal(scope, receive, send)
        else:
            await self.app(scope, _limited(receive, self._settings().limits), send)

    def _knows_secret(self, headers: Headers) -> bool:
        shown = (headers.get(SECRET_HEADER, ""), _basic_password(headers.get("Authorization", "")))
        secret = self._settings().secret.encode()
        return any(hmac.compare_digest(each.encode(), secret) for each in shown)


def _limited(receive: Receive, limits: Limits) -> Receive:
    received, complete = 0, False
    deadline = asyncio.get_running_loop().time() + limits.request_seconds

    async def limited() -> Message:
        nonlocal received, complete
        if complete:  # the next message is the end of the connection, whenever that happens
            return await receive()
        try:
            message = await asyncio.wait_for(receive(), deadline - asyncio.get_running_loop().time())
        except asyncio.TimeoutError:
            sentence = f"The request's body did not arrive within {limits.request_seconds:g} seconds."
            raise HTTPException(408, sentence, {"Connection": "close"}) from None
        received += len(message.get("body", b""))
        if received > limits.body_bytes:
            raise HTTPException(413, f"The request's body is larger than {limits.body_bytes:,} bytes.")
        complete = not message.get("more_body", False)
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
