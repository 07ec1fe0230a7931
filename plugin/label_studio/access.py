"""Who may call our views: Label Studio's own logins and permissions, per project, with CSRF checked for sessions."""

import json
from collections.abc import Callable
from functools import wraps
from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.middleware.csrf import CsrfViewMiddleware
from django.views.decorators.csrf import csrf_exempt

from .hooks import MissingHook, hook, permission_name

_MOST_BYTES = 64 * 2**20
_NOT_IMPLEMENTED = 501

View = Callable[..., HttpResponse]


class Refused(Exception):
    """A request that is refused with a status and a message."""

    def __init__(self, status: int, sentence: str) -> None:
        super().__init__(sentence)
        self.status = status


class _CsrfCheck(CsrfViewMiddleware):
    def _reject(self, request: HttpRequest, reason: str) -> str:
        return reason


def project_view(*methods: str, permission: str) -> Callable[[View], View]:
    """A JSON view of one project, whose id is the view's first argument and whose `Project` replaces it.

    Args:
        methods: the HTTP methods that it takes.
        permission: the name of Label Studio's permission that the user needs, such as ``tasks_change``.
    """

    def decorate(view: View) -> View:
        @wraps(view)
        def checked(request: HttpRequest, number: int, **arguments: Any) -> HttpResponse:
            try:
                if request.method not in methods:
                    raise Refused(405, f"This address accepts {' or '.join(methods)}.")
                _authenticate(request)
                return view(request, _project(request, number, permission), **arguments)
            except Refused as refusal:
                return JsonResponse({"detail": str(refusal)}, status=refusal.status)
            except MissingHook as missing:
                return JsonResponse({"detail": str(missing)}, status=_NOT_IMPLEMENTED)

        # Checked in `_authenticate`, but not for tokens, which no other site can make a browser send.
        exempt: View = csrf_exempt(checked)
        return exempt

    return decorate


def check_permission(request: HttpRequest, permission: str) -> None:
    """Refuse a user who does not have one of Label Studio's permissions."""
    if not request.user.has_perm(permission_name(permission)):
        raise Refused(403, "Your account is not allowed to do this in Label Studio.")


def body_of(request: HttpRequest) -> dict[str, Any]:
    """The JSON object in a request's body."""
    if int(request.META.get("CONTENT_LENGTH") or 0) > _MOST_BYTES:
        raise Refused(413, "The request is too large.")
    try:
        body = json.loads(request.body or b"{}")
    except ValueError:
        raise Refused(400, "The request's body is not JSON.") from None
    if not isinstance(body, dict):
        raise Refused(400, "The request's body must be a JSON object.")
    return body


def _authenticate(request: HttpRequest) -> None:
    if getattr(request, "is_jwt", False):  # set by Label Studio's middleware for a valid token
        return
    authenticated = _by_legacy_token(request)
    if authenticated is not None:
        request.user = authenticated
        return
    if not request.user.is_authenticated:
        raise Refused(401, "Log in to Label Studio first.")
    # Label Studio (1.23) turns the check off for its own API; ours keeps it.
    request._dont_enforce_csrf_checks = not getattr(settings, "USE_ENFORCE_CSRF_CHECKS", True)
    check = _CsrfCheck(lambda _: HttpResponse())
    check.process_request(request)
    if check.process_view(request, None, (), {}):
        raise Refused(403, "The request did not come from a page of this Label Studio: reload the page.")


def _by_legacy_token(request: HttpRequest) -> Any:
    """The user of a legacy token, where the organization still allows them; None without a token."""
    if not request.META.get("HTTP_AUTHORIZATION", "").lower().startswith("token "):
        return None
    authentication = hook("tokens")()
    try:
        login = authentication.authenticate(request)
    except Exception as error:  # REST framework's AuthenticationFailed, which we do not import
        raise Refused(401, "Label Studio does not accept this token.") from error
    return None if login is None else login[0]


def _project(request: HttpRequest, number: int, permission: str) -> Any:
    project = hook("projects").objects.filter(pk=number).first()
    if project is None or not project.has_permission(request.user):
        raise Refused(404, f"There is no project {number}, or you do not have access to it.")
    check_permission(request, permission)
    return project
