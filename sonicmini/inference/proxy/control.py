"""What all connections of a proxy share: the cable, the faults to come, the counts."""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field

from sonicmini.inference.proxy.faults import Fault, Freeze, Plan, Refuse, in_turn
from sonicmini.inference.proxy.line import Cable, Traffic


@dataclass
class Counters:
    """What has happened so far.

    Attributes:
        requests: all, and ``infer_requests`` of them for inference as far as that can be told.
        injected: faults that have really happened, by the name of the class.
    """

    connections: int = 0
    requests: int = 0
    infer_requests: int = 0
    injected: Counter[str] = field(default_factory=Counter)

    @property
    def faults(self) -> int:
        """Number of faults that have really happened."""
        return self.injected.total()


class Control:
    """The state of a proxy, as its connections see it."""

    def __init__(self, refuse_for: Callable[[float], None]) -> None:
        """Takes the function that closes the door for some seconds."""
        self.up, self.down = Traffic(), Traffic()
        self.counters = Counters()
        self.refuse_for = refuse_for
        self._only_infer = True
        self._faults = in_turn(None)

    def set_cable(self, cable: Cable) -> None:
        """Changes delay and rate for all that is sent from now on."""
        self.up.cable = self.down.cable = cable

    def set_plan(self, plan: Plan, *, only_infer: bool) -> None:
        """Changes the faults of the requests to come; ends what was there until then."""
        lasting = isinstance(plan, Refuse | Freeze) and plan.for_s is None
        self._faults = in_turn(None if lasting else plan)
        self._only_infer = only_infer
        if lasting and isinstance(plan, Fault):
            self.count(plan)
        for traffic in (self.up, self.down):
            if lasting and isinstance(plan, Freeze):
                traffic.flowing.clear()
            else:
                traffic.flowing.set()

    def pick(self, *, infer: bool) -> Fault | None:
        """Counts a request and says what is to happen to it."""
        self.counters.requests += 1
        self.counters.infer_requests += infer
        return next(self._faults) if infer or not self._only_infer else None

    def count(self, fault: Fault) -> None:
        """Counts a fault that has happened."""
        self.counters.injected[fault.name] += 1
