"""What a server wants to see before it answers, and how it is recognised: TLS and secrets."""

import os
import ssl
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from sonicmini.errors import ConfigError


@dataclass(frozen=True, kw_only=True)
class Access:
    """TLS and secrets for one server. Secrets show neither in its repr nor in any message.

    Attributes:
        bearer_token: sent as ``Authorization: Bearer TOKEN``.
        headers: sent with every call; over grpc as metadata.
        ca_file: PEM certificates of the authorities trusted instead of the system's.
        certificate_file: PEM certificate that identifies us, with its chain.
        key_file: PEM key of that certificate, not encrypted.
    """

    bearer_token: str | None = field(default=None, repr=False)
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    ca_file: Path | None = None
    certificate_file: Path | None = None
    key_file: Path | None = None

    def __post_init__(self) -> None:
        if (self.certificate_file is None) != (self.key_file is None):
            raise ConfigError("inference.access: certificate_file and key_file belong together")
        for name, value in self.sent_headers().items():
            if not (name.isascii() and name.isprintable() and name and " " not in name):
                raise ConfigError(f"inference.access.headers: {name!r} is no name of a header")
            if not (value.isascii() and value.isprintable()):
                raise ConfigError(
                    f"the value of header {name} has characters that a header cannot have"
                )

    def sent_headers(self) -> dict[str, str]:
        """Everything that is sent along, by names in small letters, as grpc wants them."""
        headers = {name.lower(): value for name, value in self.headers.items()}
        if self.bearer_token is not None:
            headers["authorization"] = f"Bearer {self.bearer_token}"
        return headers

    def secrets(self) -> list[str]:
        """What must not be shown even where a server repeats it."""
        values = {self.bearer_token or "", *self.headers.values()} - {""}
        return sorted(values, key=len, reverse=True)

    def tls_context(self) -> ssl.SSLContext:
        """For http; the server's certificate and host name are always verified.

        Raises:
            ConfigError: if one of the files cannot be read or is no certificate or key.
        """
        self.pem()
        try:
            context = ssl.create_default_context(cafile=self.ca_file)
            if self.certificate_file is not None:
                context.load_cert_chain(self.certificate_file, self.key_file, _no_password)
        except (ssl.SSLError, OSError, ValueError) as error:
            files = ", ".join(str(path) for _, path in self._files())
            raise ConfigError(f"inference.access: {files}: no usable PEM: {error}") from error
        return context

    def pem(self) -> dict[str, bytes]:
        """Contents of the files that are given, by their keys, for grpc.

        Raises:
            ConfigError: if one of them cannot be read or has nothing of PEM in it.
        """
        contents = {}
        for key, path in self._files():
            try:
                contents[key] = path.read_bytes()
            except OSError as error:
                raise ConfigError(
                    f"inference.access.{key}: {path} cannot be read: {error.strerror}"
                ) from error
            if b"-----BEGIN " not in contents[key]:
                raise ConfigError(f"inference.access.{key}: {path} is no PEM file")
        return contents

    def _files(self) -> Iterator[tuple[str, Path]]:
        for key in ("ca_file", "certificate_file", "key_file"):
            if (path := getattr(self, key)) is not None:
                yield key, path


def _no_password() -> str:
    raise ValueError("the key is encrypted; give one without a password")


def read_secret(reference: str) -> str:
    """Looks up ``env:NAME`` or ``file:PATH``, without the trailing newline.

    Raises:
        ConfigError: names the reference, never the value.
    """
    kind, _, place = reference.partition(":")
    if kind == "env" and place:
        value = os.environ.get(place)
        if value is None:
            raise ConfigError(f"secret {reference}: the environment has no variable {place}")
    elif kind == "file" and place:
        value = _read(reference, Path(place))
    else:
        # Not shown: it may be the secret itself.
        raise ConfigError("a secret is given as env:NAME or file:PATH, where it is to be found")
    value = value.removesuffix("\n").removesuffix("\r")
    if not value:
        raise ConfigError(f"secret {reference} is empty")
    if not value.isprintable():
        raise ConfigError(f"secret {reference} has control characters or several lines")
    return value


def _read(reference: str, path: Path) -> str:
    try:
        return path.expanduser().read_text(encoding="utf-8")
    except OSError as error:
        raise ConfigError(f"secret {reference} cannot be read: {error.strerror}") from error
    except UnicodeDecodeError:
        # Without its cause, which holds the content.
        raise ConfigError(f"secret {reference} is not a text file") from None
