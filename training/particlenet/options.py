"""What networks there are to choose from, and how they are trained."""

from dataclasses import dataclass
from pathlib import Path
from typing import Final


@dataclass(frozen=True, kw_only=True)
class Interface:
    """What a network reads and answers.

    Attributes:
        pf: names of the candidates' features, in order.
        sv: names of the vertices' features, in order.
        labels: names of the classes; none for the regression of a mass in GeV.
        told_as: pairs of a class of the training and of that to which its probability is added.
    """

    pf: tuple[str, ...]
    sv: tuple[str, ...]
    labels: tuple[str, ...] = ()
    told_as: tuple[tuple[str, str], ...] = ()

    @property
    def outputs(self) -> int:
        """Numbers a jet that the last layer computes."""
        return len(self.labels) or 1

    @property
    def output(self) -> str:
        """Name of the tensor with the answer."""
        return "softmax" if self.labels else "output"


@dataclass(frozen=True, kw_only=True)
class Sizes:
    """Sizes of the network.

    Attributes:
        embedding: numbers to which the features of each particle are brought.
        widths: of the EdgeConv blocks, one after the other.
        edge_layers: dense layers of each EdgeConv block.
        neighbours: particles that each particle looks at.
        fusion: numbers a particle that are averaged over the jet.
        hidden: of the dense layer before the answer.
        dropout: fraction of ``hidden`` that is left out in training.
    """

    embedding: int = 32
    widths: tuple[int, ...]
    edge_layers: int
    neighbours: int
    fusion: int
    hidden: int
    dropout: float = 0.1


PRESETS: Final = {
    "ak4-light": Sizes(
        widths=(32, 64, 96), edge_layers=2, neighbours=8, fusion=128, hidden=128, dropout=0.1
    ),
    "ak8-light": Sizes(
        widths=(48, 64, 80), edge_layers=2, neighbours=16, fusion=192, hidden=128, dropout=0.05
    ),
    "ak4-cms": Sizes(widths=(64, 96, 128), edge_layers=3, neighbours=8, fusion=256, hidden=128),
    "ak8-cms": Sizes(widths=(64, 128, 256), edge_layers=3, neighbours=16, fusion=384, hidden=256),
}
"""Networks for a laptop, and those of CMS's sizes."""


@dataclass(frozen=True, kw_only=True)
class TrainingOptions:
    """Hyperparameters.

    Attributes:
        batch: jets of a step.
        learning_rate: at its highest, for the first half of the epochs; then it falls.
        patience: epochs without improvement after which training stops.
        threads: of torch.
        device: cpu, cuda, or auto for a GPU if there is one.
        half: whether dense layers multiply in bfloat16; weights and sums are float32.
        save_every_s: how often the state is kept within an epoch.
        max_time_s: after which a run stops; the next one goes on from there.
        start_from: network file whose weights are taken where they fit.
    """

    epochs: int = 12
    batch: int = 512
    learning_rate: float = 5e-3
    weight_decay: float = 1e-3
    patience: int = 5
    seed: int = 7
    threads: int = 2
    device: str = "auto"
    half: bool = True
    save_every_s: float = 180.0
    max_time_s: float = float("inf")
    start_from: Path | None = None
