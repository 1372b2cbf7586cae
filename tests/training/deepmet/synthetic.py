"""Events roughly like those of collisions, and a network with weights of its own."""

import numpy as np
import torch

from training.deepmet.features import CATEGORIES, Features
from training.deepmet.network import DeepMETNetwork


def features(events=60, candidates=40, seed=1, pileup=35) -> Features:
    """A missing momentum that the candidates with PUPPI weight one balance, and noise."""
    rng = np.random.default_rng(seed)
    counts = rng.integers(1, 2 * candidates, events)
    counts[:2] = 0, 1
    total = int(counts.sum())
    pt = rng.exponential(0.1, total) + 0.01
    phi = rng.uniform(-np.pi, np.pi, total)
    puppi = rng.choice([0.0, 0.4, 1.0], total)
    content = np.stack(
        [
            rng.normal(0, 0.02, total),
            rng.normal(0, 5, total),
            rng.uniform(-5, 5, total),
            rng.choice([0, 0.1396], total),
            pt,
            puppi,
            pt * np.cos(phi),
            pt * np.sin(phi),
        ],
        axis=1,
    ).astype(np.float16)
    event = np.repeat(np.arange(events), counts)
    momentum = 50 * content[:, 6:8].astype(np.float64)
    balance, everything = np.zeros((events, 2)), np.zeros((events, 2))
    np.subtract.at(balance, event, momentum * (puppi == 1)[:, np.newaxis])
    np.subtract.at(everything, event, momentum)
    return Features(
        content=content,
        category=rng.integers(0, np.prod(CATEGORIES), total).astype(np.uint8),
        counts=counts,
        gen_met=balance.astype(np.float32),
        pf_met=everything.astype(np.float32),
        puppi_met=(0.9 * balance + rng.normal(0, 5, balance.shape)).astype(np.float32),
        pileup=np.full(events, pileup, np.int16),
    )


def network(seed=3, sums=4) -> DeepMETNetwork:
    """All weights and statistics of normalisation other than at the start of a training."""
    torch.manual_seed(seed)
    made = DeepMETNetwork(sums)
    for name, parameter in made.named_parameters():
        torch.nn.init.normal_(parameter, 1.0 if "dense.2" in name else 0.0, 0.3)
    for name, buffer in made.named_buffers():
        if name.endswith("running_mean"):
            buffer.normal_(0, 0.3)
        elif name.endswith("running_var"):
            buffer.uniform_(0.5, 2)
    made.eval()
    return made
