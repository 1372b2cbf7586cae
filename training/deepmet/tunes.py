"""The two tunes: what the training of each asks of the response.

Named as CMS's (modules deepMETsResolutionTune and deepMETsResponseTune; arXiv:2509.12012).
"""

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True)
class Tune:
    """A version of the network.

    Attributes:
        version: in the model repository.
        edges: of the bins of the generator's missing momentum, GeV, in each of which the response
            is held at one.
    """

    version: int
    edges: tuple[float, ...]

    @property
    def model(self) -> str:
        """Its name in the model repository."""
        return f"deepmet/{self.version}"


TUNES: Final = {
    "resolution": Tune(1, (20, 250)),
    "response": Tune(2, (10, 20, 30, 40, 55, 75, 100, 140, 200, 300, 2000)),
}
"""The first has the right response on average only, the second everywhere."""
