"""The ``inference`` block of a workflow: where and how networks are evaluated. No physics."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated, Any, Literal, TypeAlias

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field

from sonicmini.errors import ConfigError
from sonicmini.inference.address import ServerAddress

Place: TypeAlias = Literal["local", "remote"]
Positive: TypeAlias = Annotated[float, Field(gt=0)]


class Block(BaseModel):
    """A mapping of known keys; cannot be changed once validated."""

    model_config = ConfigDict(extra="forbid", frozen=True)


def _url(value: str) -> str:
    try:
        return str(ServerAddress.parse(value))
    except ConfigError as error:
        raise ValueError(str(error)) from error


def _secret(value: str) -> str:
    if value.partition(":")[0] not in ("env", "file") or not value.partition(":")[2]:
        # The value is not shown: it may be the secret itself.
        raise ValueError("expected env:NAME or file:PATH, where the value is to be found")
    return value


ServerUrl: TypeAlias = Annotated[str, AfterValidator(_url)]
SecretReference: TypeAlias = Annotated[str, AfterValidator(_secret)]
"""``env:NAME`` or ``file:PATH``; the value itself never stands in a configuration."""


class AccessConfig(Block):
    """What a server wants to see, and how it is recognised."""

    bearer_token: SecretReference | None = None
    headers: dict[str, SecretReference] = Field(default_factory=dict)
    ca_file: Path | None = None
    certificate_file: Path | None = None
    key_file: Path | None = None


class ServerConfig(Block):
    """One server."""

    url: ServerUrl
    access: AccessConfig | None = None
    """Instead of the access that all servers share."""


def _as_server(value: Any) -> Any:  # noqa: ANN401 - whatever stands in the YAML
    return {"url": value} if isinstance(value, str) else value


class EmbeddedConfig(Block):
    """The Triton server that a run starts for itself."""

    instances: Annotated[int, Field(ge=1)] | None = None
    """Of each model; one a core if absent, 8 at most."""
    threads: Annotated[int, Field(ge=1)] = 1
    """Of each instance."""
    protocol: Literal["http", "grpc"] = "http"


class InferenceConfig(Block):
    """How networks are evaluated."""

    default: Place = "local"
    modules: dict[str, Place] = Field(default_factory=dict)
    """Modules, by label, that are evaluated elsewhere than the default."""
    servers: tuple[Annotated[ServerConfig, BeforeValidator(_as_server)], ...] = ()
    """Servers of the KServe v2 protocol; without any, remote is an embedded Triton."""
    preferred: ServerUrl | None = None
    """The server that gets all requests as long as it is well."""
    fallback: Literal["none", "local", "embedded"] = "none"
    """Who answers when no server does."""
    access: AccessConfig = AccessConfig()
    embedded: EmbeddedConfig = EmbeddedConfig()
    allow_different_models: bool = False
    """Accept servers whose models differ from those of the repository."""
    tolerance: Positive = 1e-4
    """Largest difference of a server's answer to a known tensor from the local one."""
    timeout_s: Positive = 30.0
    """Of one request."""
    tries: Annotated[int, Field(ge=1)] = 5
    """Of one request, on whatever servers."""
    patience_s: Annotated[float, Field(ge=0)] = 30.0
    """How long a request waits for a server to come back before the fallback, or the error."""
    compression: Literal["none", "gzip", "deflate"] = "none"
    shared_memory: Literal["auto", "never", "always"] = "auto"
    max_rows: Annotated[int, Field(ge=1)] = 64
    """Rows of a request at most; the model's max_batch_size binds as well."""
    max_bytes: Annotated[int, Field(ge=1)] = 2_000_000
    """Bytes of a request's inputs at most, unless a single row has more."""
    requests_in_flight: Annotated[int, Field(ge=1)] = 4
    """Requests of one module and chunk under way at the same time, at most."""

    def place(self, label: str) -> Place:
        """Where a module's network is evaluated."""
        return self.modules.get(label, self.default)

    def access_of(self, server: ServerConfig) -> AccessConfig:
        """What a server wants to see."""
        return self.access if server.access is None else server.access

    def faults(self) -> Iterator[str]:
        """What does not fit together, each with its key."""
        urls = [server.url for server in self.servers]
        for url in sorted({url for url in urls if urls.count(url) > 1}):
            yield f"inference.servers: {url} is given twice"
        if self.preferred is not None and self.preferred not in urls:
            yield f"inference.preferred: {self.preferred} is none of the servers"
        if self.fallback == "embedded" and not urls:
            yield "inference.fallback: embedded needs servers: without any, remote is embedded"
        for access in (self.access, *(server.access for server in self.servers)):
            if access and (access.certificate_file is None) != (access.key_file is None):
                yield "inference.access: certificate_file and key_file belong together"

    def absolute(self, folder: Path) -> "InferenceConfig":
        """The same with all paths relative to this folder made absolute."""
        servers = tuple(
            server.model_copy(update={"access": server.access and _absolute(server.access, folder)})
            for server in self.servers
        )
        return self.model_copy(
            update={"access": _absolute(self.access, folder), "servers": servers}
        )


def _absolute(access: AccessConfig, folder: Path) -> AccessConfig:
    def secret(reference: str | None) -> str | None:
        kind, _, rest = (reference or "").partition(":")
        return f"file:{folder / rest}" if kind == "file" else reference

    files: Mapping[str, Path | None] = {
        key: getattr(access, key) for key in ("ca_file", "certificate_file", "key_file")
    }
    return access.model_copy(
        update={
            "bearer_token": secret(access.bearer_token),
            "headers": {name: secret(value) for name, value in access.headers.items()},
            **{key: path and folder / path for key, path in files.items()},
        }
    )
