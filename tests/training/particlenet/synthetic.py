"""Jets without physics: random numbers in the shapes of a network's inputs."""

from collections.abc import Iterator
from dataclasses import dataclass, fields, replace

import torch
from torch.nn import functional

from training.particlenet.batch import Batch
from training.particlenet.grooming import PT
from training.particlenet.network import ParticleNet
from training.particlenet.options import Interface, Sizes

INTERFACE = Interface(pf=("pf_a", "pf_b", "pf_c"), sv=("sv_a", "sv_b"), labels=("b", "c", "uds"))
MASS = Interface(pf=("pf_a", PT, "pf_c"), sv=INTERFACE.sv)
SIZES = Sizes(embedding=5, widths=(6, 7), edge_layers=2, neighbours=4, fusion=9, hidden=8)


@dataclass(frozen=True)
class Jets:
    """A data set of random jets whose label can be learned from their features."""

    size: int
    seed: int = 0

    def __len__(self) -> int:
        return self.size

    def batches(self, epoch: int, size: int, seed: int) -> Iterator[Batch]:
        """The same jets in an order of the epoch's own."""
        jets = random_jets(self.size, seed=self.seed)
        order = torch.randperm(
            self.size, generator=torch.Generator().manual_seed(100 * seed + epoch)
        )
        for places in order.split(size):
            yield Batch(**{one.name: getattr(jets, one.name)[places] for one in fields(Batch)})


def random_jets(size: int, *, longest: int = 12, seed: int = 0) -> Batch:
    """Jets of 0 to ``longest`` candidates and 0 to 3 vertices."""
    random = torch.Generator().manual_seed(seed)
    label = torch.randint(3, (size,), generator=random)
    tensors: dict[str, torch.Tensor] = {}
    for kind, features, length in (("pf", 3, longest), ("sv", 2, 3)):
        count = torch.randint(length + 1, (size, 1, 1), generator=random)
        mask = (torch.arange(length) < count).float()
        values = torch.randn(size, features, length, generator=random) + label[:, None, None]
        tensors[f"{kind}_points"] = torch.randn(size, 2, length, generator=random) * mask
        tensors[f"{kind}_features"] = values * mask
        tensors[f"{kind}_mask"] = mask
    return Batch(
        **tensors,
        label=label,
        target=100 * torch.rand(size, generator=random),
        weight=torch.rand(size, generator=random) + 0.5,
    )


def random_network(interface: Interface = INTERFACE, sizes: Sizes = SIZES) -> ParticleNet:
    """A network in use whose normalisations are far from trivial."""
    torch.manual_seed(3)
    network = ParticleNet(interface, sizes)
    for module in network.modules():
        if isinstance(module, torch.nn.BatchNorm1d):
            torch.nn.init.normal_(module.running_mean)
            torch.nn.init.uniform_(module.running_var, 0.5, 2.0)
            torch.nn.init.normal_(module.weight)
            torch.nn.init.normal_(module.bias)
    torch.nn.init.normal_(network.answer.weight)
    network.eval()
    return network


def lengthened(batch: Batch, candidates: int, vertices: int) -> Batch:
    """The same jets with more padding."""
    added = {"pf": candidates, "sv": vertices}
    return replace(
        batch,
        **{
            name: functional.pad(values, (0, added[name[:2]]))
            for name, values in batch.inputs().items()
        },
    )
