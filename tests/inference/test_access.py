"""Secrets are found where they are said to be, and are seen nowhere."""

import pytest

from sonicmini.errors import ConfigError
from sonicmini.inference.access import Access, read_secret


def test_secret_comes_from_the_environment_or_a_file(tmp_path, monkeypatch):
    monkeypatch.setenv("TOKEN", "abc")
    (tmp_path / "token").write_text("de f\n")
    (tmp_path / "dos").write_bytes(b"ghi\r\n")
    assert read_secret("env:TOKEN") == "abc"
    assert read_secret(f"file:{tmp_path / 'token'}") == "de f"
    assert read_secret(f"file:{tmp_path / 'dos'}") == "ghi"


@pytest.mark.parametrize(
    ("reference", "fault"),
    [
        ("env:NOWHERE", "secret env:NOWHERE: the environment has no variable NOWHERE"),
        ("file:/no/where", "secret file:/no/where cannot be read: No such file"),
        ("env:EMPTY", "secret env:EMPTY is empty"),
        ("env:LINES", "secret env:LINES has control characters"),
        ("file:binary", "secret file:binary is not a text file"),
        ("s3cret", "given as env:NAME or file:PATH"),
        ("env:", "given as env:NAME or file:PATH"),
        ("vault:s3cret", "given as env:NAME or file:PATH"),
    ],
)
def test_fault_names_the_reference_never_the_value(tmp_path, monkeypatch, reference, fault):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "binary").write_bytes(b"s3cret\xff\n")
    monkeypatch.setenv("EMPTY", "\n")
    monkeypatch.setenv("LINES", "s3cret\nsecond")
    with pytest.raises(ConfigError, match=fault) as raised:
        read_secret(reference)
    seen = repr(raised.value) + repr(raised.value.__cause__)
    assert "s3cret" not in seen


def test_secrets_do_not_show_in_the_repr():
    access = Access(bearer_token="s3cret", headers={"X-Key": "hush"})  # noqa: S106 - a test's own
    assert "s3cret" not in repr(access)
    assert "hush" not in repr(access)


def test_headers_are_sent_in_small_letters_with_the_token():
    access = Access(bearer_token="abc", headers={"X-Key": "1"})  # noqa: S106 - a test's own
    assert access.sent_headers() == {"x-key": "1", "authorization": "Bearer abc"}


def test_secrets_are_known_by_their_values():
    access = Access(bearer_token="abc", headers={"X-Key": "abcdef", "X-None": ""})  # noqa: S106
    assert access.secrets() == ["abcdef", "abc"]
    assert Access().secrets() == []


@pytest.mark.parametrize(
    ("headers", "fault"),
    [
        ({"X-Key": "s3cret\r\nHost: other"}, "header x-key has characters"),
        ({"X-Key": "s3crét"}, "header x-key has characters"),
        ({"X Key": "s3cret"}, "'x key' is no name of a header"),
        ({"": "s3cret"}, "'' is no name of a header"),
    ],
)
def test_headers_that_cannot_be_sent_are_refused(headers, fault):
    with pytest.raises(ConfigError, match=fault) as raised:
        Access(headers=headers)
    assert "s3cr" not in str(raised.value)


def test_certificate_and_key_belong_together(tmp_path):
    with pytest.raises(ConfigError, match="belong together"):
        Access(certificate_file=tmp_path / "cert.pem")


def test_files_that_are_no_pem_are_refused(tmp_path):
    with pytest.raises(ConfigError, match=r"ca_file: .*nowhere.pem cannot be read: No such file"):
        Access(ca_file=tmp_path / "nowhere.pem").tls_context()
    (tmp_path / "text.pem").write_text("no certificate")
    with pytest.raises(ConfigError, match=r"ca_file: .*text.pem is no PEM file"):
        Access(ca_file=tmp_path / "text.pem").pem()
    (tmp_path / "bad.pem").write_text("-----BEGIN CERTIFICATE-----\nbad\n")
    with pytest.raises(ConfigError, match=r"bad.pem: no usable PEM"):
        Access(ca_file=tmp_path / "bad.pem").tls_context()
