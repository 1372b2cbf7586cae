"""Where a server is: ``http://host:8000/prefix`` and its kin."""

import ipaddress
from dataclasses import dataclass
from typing import Literal, TypeAlias, get_args
from urllib.parse import SplitResult, urlsplit

from sonicmini.errors import ConfigError, nearest

Scheme: TypeAlias = Literal["http", "https", "grpc", "grpcs"]

_PORTS: dict[Scheme, int] = {"http": 8000, "https": 443, "grpc": 8001, "grpcs": 443}


@dataclass(frozen=True)
class ServerAddress:
    """Address of a server of the KServe v2 protocol.

    Attributes:
        host: name or number, in small letters; an IPv6 number without brackets.
        prefix: of all paths, with its leading slash and without a trailing one; mostly empty.
    """

    scheme: Scheme
    host: str
    port: int
    prefix: str = ""

    @classmethod
    def parse(cls, url: str) -> "ServerAddress":
        """Reads a URL; the port may be left out (http 8000, grpc 8001, https and grpcs 443).

        Raises:
            ConfigError: if it is no such URL or carries credentials, which are not repeated.
        """
        parts, port = _split(url)
        if parts.username is not None or parts.password is not None:
            raise ConfigError(
                f"server at {parts.hostname}: credentials do not belong into the URL, where they"
                " would be logged; give inference.access.bearer_token or inference.access.headers"
            )
        scheme = _scheme(url, parts)
        if not parts.hostname:
            raise ConfigError(
                f"server {url} has no host, expected {scheme}://HOST:{_PORTS[scheme]}"
            )
        if parts.query or parts.fragment:
            raise ConfigError(f"server {url}: expected nothing behind the path")
        prefix = parts.path.rstrip("/")
        if prefix and scheme in ("grpc", "grpcs"):
            raise ConfigError(f"server {url}: grpc knows no paths, leave out {prefix}")
        return cls(scheme, parts.hostname, _PORTS[scheme] if port is None else port, prefix)

    @property
    def secure(self) -> bool:
        """Whether the connection is encrypted and the server shows a certificate."""
        return self.scheme in ("https", "grpcs")

    @property
    def is_loopback(self) -> bool:
        """Whether packets do not leave this machine; a tunnel or a container may hide behind it."""
        try:
            return ipaddress.ip_address(self.host).is_loopback
        except ValueError:
            return self.host == "localhost" or self.host.endswith(".localhost")

    @property
    def authority(self) -> str:
        """Host and port as URLs have them."""
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"

    def __str__(self) -> str:
        return f"{self.scheme}://{self.authority}{self.prefix}"


def _split(url: str) -> tuple[SplitResult, int | None]:
    if not url.isprintable() or " " in url:
        raise ConfigError("the URL of a server has blanks or control characters in it")
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError as error:
        # The error's own text may repeat a password.
        raise ConfigError(
            "the URL of a server cannot be read, expected SCHEME://HOST:PORT with a port from 1 to"
            " 65535 and an IPv6 number in brackets"
        ) from error
    if port == 0:
        raise ConfigError(f"server at {parts.hostname}: port 0 is no port, expected 1 to 65535")
    return parts, port


def _scheme(url: str, parts: SplitResult) -> Scheme:
    known: tuple[Scheme, ...] = get_args(Scheme)
    for scheme in known:
        if parts.scheme == scheme and "://" in url:
            return scheme
    if "://" not in url:
        raise ConfigError(f"server {url} has no scheme, expected for instance http://{url}")
    raise ConfigError(
        f"server {url}: scheme {parts.scheme} is not known, expected one of {', '.join(known)}"
        f"{nearest(parts.scheme, known)}"
    )
