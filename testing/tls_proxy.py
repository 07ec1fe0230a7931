"""An HTTPS proxy with a certificate from a private authority that serves another server under a path."""

import datetime
import ipaddress
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from .path_proxy import path_proxy


@dataclass(frozen=True)
class TlsProxy:
    """The server's address, and the certificate file of the authority that signed its certificate."""

    url: str
    authority: Path


@contextmanager
def tls_proxy(target: str, path: str, folder: Path, *, keep_host: bool = False) -> Iterator[TlsProxy]:
    """Serve ``target`` as ``https://localhost:<port><path>`` until the block ends; ``keep_host`` as in `path_proxy`."""
    authority, certificate = _certificates(folder)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    with path_proxy(target, path, context, keep_host=keep_host) as url:
        yield TlsProxy(url, authority)


def _certificates(folder: Path) -> tuple[Path, Path]:
    """Write the certificate of an authority, and a certificate for localhost with its key; return both paths."""
    folder.mkdir(parents=True, exist_ok=True)
    authority_key = ec.generate_private_key(ec.SECP256R1())
    server_key = ec.generate_private_key(ec.SECP256R1())
    issuer, subject = (_name("An authority of tests"), _name("localhost"))
    authority = _builder(issuer, issuer, authority_key, authority_key)
    authority = authority.add_extension(x509.BasicConstraints(True, None), True).add_extension(_SIGNING, True)
    names = [x509.DNSName("localhost"), x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]
    certificate = _builder(issuer, subject, server_key, authority_key)
    certificate = certificate.add_extension(x509.SubjectAlternativeName(names), False)
    pem = serialization.Encoding.PEM
    authority_file, certificate_file = folder / "authority.pem", folder / "localhost.pem"
    authority_file.write_bytes(authority.sign(authority_key, hashes.SHA256()).public_bytes(pem))
    private = server_key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    certificate_file.write_bytes(private + certificate.sign(authority_key, hashes.SHA256()).public_bytes(pem))
    return authority_file, certificate_file


_SIGNING = x509.KeyUsage(
    key_cert_sign=True,
    crl_sign=True,
    digital_signature=False,
    content_commitment=False,
    key_encipherment=False,
    data_encipherment=False,
    key_agreement=False,
    encipher_only=False,
    decipher_only=False,
)


def _name(common: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common)])


def _builder(
    issuer: x509.Name, subject: x509.Name, key: ec.EllipticCurvePrivateKey, signing: ec.EllipticCurvePrivateKey
) -> x509.CertificateBuilder:
    """A certificate for a day, with the identifiers of keys that Python 3.13 and newer insist on."""
    own = x509.SubjectKeyIdentifier.from_public_key(key.public_key())
    signer = x509.AuthorityKeyIdentifier.from_issuer_public_key(signing.public_key())
    now = datetime.datetime.now(datetime.timezone.utc)
    builder = x509.CertificateBuilder().issuer_name(issuer).subject_name(subject).public_key(key.public_key())
    builder = builder.serial_number(x509.random_serial_number())
    builder = builder.not_valid_before(now).not_valid_after(now + datetime.timedelta(days=1))
    return builder.add_extension(own, False).add_extension(signer, False)
