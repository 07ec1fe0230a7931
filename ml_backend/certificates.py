"""Trusted certificate authorities: the usual ones, and private ones named by the environment."""

import os
import ssl
from pathlib import Path

import certifi

from .errors import Refusal

# Variables that OpenSSL and requests read; either works for a Label Studio with a private authority.
FILE_VARIABLES = ("SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE")
FOLDER_VARIABLE = "SSL_CERT_DIR"


def trusted_certificates() -> ssl.SSLContext:
    """A context for calling servers which must show a certificate of an authority that is trusted.

    Raises:
        Refusal: an environment variable names a file or folder that cannot be used.
    """
    context = ssl.create_default_context(cafile=certifi.where())
    for variable in (*FILE_VARIABLES, FOLDER_VARIABLE):
        named = os.environ.get(variable)
        if not named:
            continue
        try:
            folder = Path(named).is_dir()
            context.load_verify_locations(**({"capath": named} if folder else {"cafile": named}))
        except (OSError, ssl.SSLError) as error:
            raise Refusal(
                f"${variable} names {named}, from which no certificates can be read ({error}): correct it or unset it."
            ) from error
    return context
