"""The inference block: servers, access, fallbacks; secrets stay where they are."""

from pathlib import Path

import pytest

from sonicmini.config import Overrides, load
from sonicmini.errors import ConfigError
from sonicmini.prepare import prepare

BASE = """\
input: {files: [a.root]}
output: {file: out.root, keep: [PFCand]}
model_repository: models
modules: {deepMET: DeepMET, puppi: Puppi}
"""
SECRET = "hunter2"


@pytest.fixture
def load_with(tmp_path):
    def load_text(text, **overrides):
        path = tmp_path / "job.yaml"
        path.write_text(BASE + text)
        return load(path, Overrides(**overrides))

    return load_text


def test_local_is_the_default(load_with):
    inference = load_with("").inference
    assert inference.place("deepMET") == "local"
    assert inference.servers == ()


def test_a_default_and_a_choice_per_module(load_with):
    inference = load_with("inference: {default: remote, modules: {deepMET: local}}").inference
    assert (inference.place("deepMET"), inference.place("other")) == ("local", "remote")


def test_servers_are_urls_or_blocks_with_access_of_their_own(load_with, tmp_path):
    inference = load_with("""
inference:
  servers:
    - http://a:8000
    - {url: "grpcs://b", access: {bearer_token: "env:B_TOKEN", ca_file: ca.pem}}
  access: {bearer_token: "file:token", headers: {X-Site: "env:SITE"}}
  preferred: grpcs://b:443
""").inference
    first, second = inference.servers
    assert (first.url, second.url) == ("http://a:8000", "grpcs://b:443")
    assert inference.access_of(first).bearer_token == f"file:{tmp_path / 'token'}"
    assert inference.access_of(second).bearer_token == "env:B_TOKEN"
    assert inference.access_of(second).ca_file == tmp_path / "ca.pem"


def test_the_command_line_names_servers_and_implies_remote(load_with):
    text = """
inference:
  servers: [{url: "https://a", access: {bearer_token: "env:A"}}, "http://c"]
"""
    inference = load_with(text, servers=["http://b:1", "https://a"], fallback="local").inference
    assert inference.default == "remote"
    assert inference.fallback == "local"
    assert [server.url for server in inference.servers] == ["http://b:1", "https://a:443"]
    assert inference.access_of(inference.servers[1]).bearer_token == "env:A"
    assert load_with(text, servers=["http://b:1"], inference="local").inference.default == "local"


def test_all_faults_come_in_one_message(load_with):
    with pytest.raises(ConfigError) as raised:
        load_with("""
inference:
  modules: {deepmet: remote}
  servers: [http://a:1, http://a:1]
  preferred: http://b:1
  access: {certificate_file: c.pem}
""")
    message = str(raised.value)
    assert "inference.modules.deepmet: no such module; did you mean deepMET?" in message
    assert "inference.servers: http://a:1 is given twice" in message
    assert "inference.preferred: http://b:1 is none of the servers" in message
    assert "certificate_file and key_file belong together" in message


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("servers: [ftp://a]", "ftp"),
        ("servers: ['http://me:pw@a']", "servers"),
        ("timeout_s: 0", "timeout_s"),
        ("fallback: cloud", "fallback"),
        ("fallback: embedded", "embedded needs servers"),
        ("server: [http://a]", "did you mean servers"),
    ],
)
def test_faults_name_their_key(load_with, text, fault):
    with pytest.raises(ConfigError, match=fault):
        load_with(f"inference: {{{text}}}")


def test_faults_are_told_without_the_words_of_the_library(load_with):
    with pytest.raises(ConfigError, match=r"servers\.0\.url: server ftp://a: scheme ftp"):
        load_with("inference: {servers: [ftp://a]}")


@pytest.mark.parametrize(
    "text",
    [
        f"access: {{bearer_token: {SECRET}}}",
        f"access: {{headers: {{Authorization: {SECRET}}}}}",
        f"servers: [{{url: 'http://a', access: {{bearer_token: {SECRET}}}}}]",
        f"servers: ['http://me:{SECRET}@a']",
    ],
)
def test_a_secret_in_the_file_is_refused_and_not_repeated(load_with, text):
    with pytest.raises(ConfigError) as raised:
        load_with(f"inference: {{{text}}}")
    assert SECRET not in str(raised.value)


def test_what_is_no_network_cannot_be_evaluated_anywhere(load_with):
    config = load_with("inference: {modules: {puppi: remote}}")
    with pytest.raises(ConfigError, match=r"inference\.modules\.puppi: Puppi is no network"):
        prepare(config.model_copy(update={"model_repository": Path("models")}))
