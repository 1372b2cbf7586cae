"""Networks in files, and weights of one network for another."""

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch

from training.particlenet.network import ParticleNet
from training.particlenet.options import Interface, Sizes


def save(network: ParticleNet, path: Path) -> None:
    """Writes a network with what is needed to make it again."""
    parts = {"interface": asdict(network.interface), "sizes": asdict(network.sizes)}
    write({**parts, "network": network.state_dict()}, path)


def load(path: Path) -> ParticleNet:
    """Reads a network that :func:`save` has written, on the CPU."""
    saved = torch.load(path, weights_only=True, map_location="cpu")
    network = ParticleNet(Interface(**saved["interface"]), Sizes(**saved["sizes"]))
    network.load_state_dict(saved["network"])
    return network


def write(state: dict[str, Any], path: Path) -> None:
    """Writes a state; whoever reads meanwhile finds the old one or the new one, never a part."""
    temporary = path.with_suffix(".part")
    torch.save(state, temporary)
    temporary.replace(path)


@torch.no_grad()
def start_from(network: ParticleNet, other: ParticleNet) -> list[str]:
    """Takes the weights that fit: of equal shape, or of features that both networks read.

    Returns:
        Names of the tensors that were taken.
    """
    mine, theirs = network.state_dict(), other.state_dict()
    same_answer = network.interface.labels == other.interface.labels
    taken = []
    for name, values in mine.items():
        if name not in theirs or (name.startswith("answer.") and not same_answer):
            continue
        if name in ("pf.linear.weight", "sv.linear.weight"):
            kind = name[:2]
            features = (getattr(one.interface, kind) for one in (network, other))
            _take_columns(values, theirs[name], *features)
        elif values.shape == theirs[name].shape:
            values.copy_(theirs[name])
        else:
            continue
        taken.append(name)
    return taken


def _take_columns(
    values: torch.Tensor, others: torch.Tensor, names: Sequence[str], other_names: Sequence[str]
) -> None:
    for column, name in enumerate(names):
        if name in other_names:
            values[:, column] = others[:, other_names.index(name)]
