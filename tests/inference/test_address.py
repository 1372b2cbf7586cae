"""Addresses of servers: one normal form, and faults that say the way out without secrets."""

import pytest

from sonicmini.errors import ConfigError
from sonicmini.inference.address import ServerAddress


@pytest.mark.parametrize(
    ("url", "normal"),
    [
        ("http://host", "http://host:8000"),
        ("https://host", "https://host:443"),
        ("grpc://host", "grpc://host:8001"),
        ("grpcs://host", "grpcs://host:443"),
        ("http://HOST.cern.ch:81/", "http://host.cern.ch:81"),
        ("HTTP://host:81/a/b/", "http://host:81/a/b"),
        ("http://[::1]", "http://[::1]:8000"),
        ("grpcs://[2001:DB8::1]:9", "grpcs://[2001:db8::1]:9"),
        ("http://127.0.0.1:1", "http://127.0.0.1:1"),
    ],
)
def test_url_has_one_normal_form(url, normal):
    address = ServerAddress.parse(url)
    assert str(address) == normal
    assert ServerAddress.parse(normal) == address


@pytest.mark.parametrize(
    ("url", "fault"),
    [
        ("host:8000", "has no scheme, expected for instance http://host:8000"),
        ("host", "has no scheme, expected for instance http://host"),
        ("http:host", "has no scheme"),
        ("htp://host", "scheme htp is not known, .* did you mean http?"),
        ("triton://host", "expected one of http, https, grpc, grpcs"),
        ("http://", "has no host, expected http://HOST:8000"),
        ("http://:8000", "has no host"),
        ("http://host:99999", "port from 1 to 65535"),
        ("http://host:port", "port from 1 to 65535"),
        ("http://host:0", "port 0 is no port"),
        ("http://[::1", "IPv6 number in brackets"),
        ("http://host/?model=x", "nothing behind the path"),
        ("http://host/#x", "nothing behind the path"),
        ("grpc://host/prefix", "grpc knows no paths, leave out /prefix"),
        ("http://ho st", "blanks"),
        ("http://host\n", "control characters"),
        ("", "has no scheme"),
    ],
)
def test_what_is_no_address_is_refused(url, fault):
    with pytest.raises(ConfigError, match=fault):
        ServerAddress.parse(url)


@pytest.mark.parametrize(
    "url",
    ["http://me:s3cret@host", "grpc://s3cret@host", "x://me:s3cret@host", "http://me:s3cret@h:x"],
)
def test_credentials_are_refused_and_not_repeated(url):
    with pytest.raises(ConfigError) as raised:
        ServerAddress.parse(url)
    assert "s3cret" not in str(raised.value)


@pytest.mark.parametrize(
    ("host", "loopback"),
    [
        ("localhost", True),
        ("a.localhost", True),
        ("127.8.0.1", True),
        ("[::1]", True),
        ("10.0.0.1", False),
        ("localhost.cern.ch", False),
        ("0.0.0.0", False),  # noqa: S104 - an address to look at, nothing listens
    ],
)
def test_loopback_is_known(host, loopback):
    assert ServerAddress.parse(f"http://{host}").is_loopback == loopback


def test_secure_schemes_are_known():
    secure = {s: ServerAddress.parse(f"{s}://h").secure for s in ("http", "https", "grpc", "grpcs")}
    assert secure == {"http": False, "https": True, "grpc": False, "grpcs": True}
