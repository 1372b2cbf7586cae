"""The proxy in a process of its own, and how it is told what to do.

One line of JSON a command, one line of JSON an answer, over its standard input and output: it ends
when its input does, so it never outlives who started it.
"""

import json
import subprocess
import sys
from collections import Counter
from collections.abc import Mapping
from dataclasses import asdict, fields
from typing import Any, Self

from sonicmini.inference.proxy.control import Counters
from sonicmini.inference.proxy.faults import KINDS, Fault, Plan, Random, Script
from sonicmini.inference.proxy.line import Cable
from sonicmini.inference.proxy.threaded import Proxy


class ProxyProcess:
    """A `Proxy` in another process.

    Example:
        ``with ProxyProcess("127.0.0.1", 8000, cable=Cable(delay_s=0.1)) as proxy: ...``
    """

    def __init__(
        self, host: str, port: int, *, listen: int = 0, cable: Cable | None = None
    ) -> None:
        """Takes what `ProxyServer` takes."""
        cable = cable or Cable()
        self._command = [sys.executable, "-m", "sonicmini.inference.proxy", f"{host}:{port}"]
        self._command += ["--listen", str(listen), "--delay", str(cable.delay_s)]
        if cable.bytes_per_s is not None:
            self._command += ["--rate", str(cable.bytes_per_s)]
        self.port = listen

    def __enter__(self) -> Self:
        """Starts the process and waits until it listens.

        Raises:
            RuntimeError: if it does not start.
        """
        self._process = subprocess.Popen(  # noqa: S603 this package's own module
            self._command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            start_new_session=True,  # Ctrl-C is the business of who started it
        )
        try:
            self.port = int(self._answer()["port"])
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        """Ends the process; all connections are reset."""
        try:
            self._process.communicate(timeout=10)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.communicate()

    @property
    def pid(self) -> int:
        """Of the process."""
        return self._process.pid

    def set(self, plan: Plan, *, only_infer: bool = True) -> None:
        """Changes the faults; see `ProxyServer.set`."""
        self._call("set", plan=_encoded(plan), only_infer=only_infer)

    def set_cable(self, cable: Cable) -> None:
        """Changes delay and rate."""
        self._call("set_cable", **asdict(cable))

    def aim(self, host: str, port: int) -> None:
        """Changes the target of the connections to come."""
        self._call("aim", host=host, port=port)

    def drop(self) -> None:
        """Resets all open connections."""
        self._call("drop")

    def counters(self) -> Counters:
        """What has happened so far."""
        answer = self._call("counters")
        return Counters(**{**answer, "injected": Counter(answer["injected"])})

    def _call(self, method: str, **arguments: object) -> dict[str, Any]:
        if self._process.stdin is not None:
            self._process.stdin.write(json.dumps({"method": method, **arguments}) + "\n")
            self._process.stdin.flush()
        answer = self._answer()
        if "error" in answer:
            raise ValueError(answer["error"])
        return answer

    def _answer(self) -> dict[str, Any]:
        line = self._process.stdout.readline() if self._process.stdout is not None else ""
        if not line:
            raise RuntimeError(f"the proxy's process {self.pid} has ended; its messages say why")
        answer: dict[str, Any] = json.loads(line)
        return answer


def obey(proxy: Proxy, line: str) -> str:
    """Carries out one command, in the process of the proxy; returns the answer."""
    try:
        command = json.loads(line)
        method = command.pop("method")
        return json.dumps(_obey(proxy, method, command))
    except (ValueError, KeyError, TypeError) as error:
        return json.dumps({"error": f"{type(error).__name__} in {line.strip()}: {error}"})


def _obey(proxy: Proxy, method: str, arguments: Mapping[str, Any]) -> dict[str, Any]:
    if method == "set":
        proxy.set(_decoded(arguments["plan"]), only_infer=arguments.get("only_infer", True))
    elif method == "set_cable":
        proxy.set_cable(Cable(**arguments))
    elif method == "aim":
        proxy.aim(**arguments)
    elif method == "drop":
        proxy.drop()
    elif method == "counters":
        return vars(proxy.counters())
    else:
        raise ValueError(f"no method {method}: set, set_cable, aim, drop or counters")
    return {}


def _encoded(plan: Any) -> Any:  # noqa: ANN401 what JSON holds
    """As JSON: ``{"kind": "Reset", "after_bytes": 10}``, with defaults left out as one likes."""
    if isinstance(plan, Fault | Script | Random):
        values = {field.name: _encoded(getattr(plan, field.name)) for field in fields(plan)}
        return {"kind": type(plan).__name__, **values}
    return [_encoded(item) for item in plan] if isinstance(plan, tuple) else plan


def _decoded(value: Any) -> Any:  # noqa: ANN401 what JSON holds
    if isinstance(value, list):
        return tuple(_decoded(item) for item in value)
    if isinstance(value, dict):
        return KINDS[value["kind"]](
            **{name: _decoded(item) for name, item in value.items() if name != "kind"}
        )
    return value
