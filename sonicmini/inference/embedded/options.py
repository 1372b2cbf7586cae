"""What a user may choose about the server."""

import os
from collections.abc import Collection
from dataclasses import dataclass
from typing import Literal

from sonicmini.errors import ConfigError

_PORTS = range(1, 1 << 16)


@dataclass(frozen=True, kw_only=True)
class ServerOptions:
    """How a server is started.

    Attributes:
        instances: of each model, each a process that answers one batch at a time; 0 for as many as
            the cores that this process may use (in a container: what config.pbtxt says).
        threads: of onnxruntime in each instance.
        http_port: on loopback, as ``grpc_port`` and ``metrics_port``; None takes a free one.
        models: names to serve; None for all of the repository.
        model_control: "explicit" lets clients unload and load models; all are loaded at the start.
        start_limit_s: to be ready, with all models loaded; None for 120, or 1800 for a container,
            whose image may have to be fetched.
        name: of the server among the running ones; None makes one up.
    """

    instances: int = 0
    threads: int = 1
    http_port: int | None = None
    grpc_port: int | None = None
    metrics_port: int | None = None
    models: Collection[str] | None = None
    model_control: Literal["none", "explicit"] = "none"
    start_limit_s: float | None = None
    name: str | None = None

    def __post_init__(self) -> None:
        faults = []
        if self.instances < 0:
            faults.append(f"instances is {self.instances}, expected 0 or more")
        if self.threads < 1:
            faults.append(f"threads is {self.threads}, expected 1 or more")
        if self.start_limit_s is not None and self.start_limit_s <= 0:
            faults.append(f"start_limit_s is {self.start_limit_s}, expected more than 0")
        if self.name is not None and not self.name.replace("-", "").isalnum():
            faults.append(f"name is {self.name!r}, expected letters, digits and -")
        fixed = [port for port in self.ports if port is not None]
        faults += [f"port {port} does not exist" for port in fixed if port not in _PORTS]
        if len(set(fixed)) < len(fixed):
            faults.append(f"ports {', '.join(map(str, fixed))} are not all different")
        if faults:
            raise ConfigError(f"server: {'; '.join(faults)}")

    @property
    def ports(self) -> tuple[int | None, int | None, int | None]:
        """Of http, grpc and metrics; None for a free one."""
        return self.http_port, self.grpc_port, self.metrics_port

    @property
    def has_free_ports(self) -> bool:
        """Whether another try may have other ports."""
        return None in self.ports


def usable_cores() -> int:
    """Cores that this process may use."""
    return len(os.sched_getaffinity(0))
