"""Exported networks in the model repository: what servers are told, and what they answer."""

import copy
from pathlib import Path
from typing import Final

import numpy as np
import torch
from numpy.typing import NDArray

from sonicmini.event import Ragged
from sonicmini.modules.networks.deepmet import SCALE
from training.answers import answer
from training.deepmet.features import Features
from training.deepmet.network import DeepMETNetwork
from training.deepmet.train import predict
from training.repository import Serving

SERVING: Final = Serving(max_batch_size=100, preferred_batch_size=(8, 16))
"""CMS's numbers."""


def verify(network: DeepMETNetwork, repository: Path, model: str, features: Features) -> float:
    """Largest difference of an exported network from torch, relative to 1 + the answer's size.

    torch computes with double precision, so that the difference is the exported network's error.
    """
    exact = copy.deepcopy(network).double()
    expected = predict(exact, features, dtype=torch.float64) / SCALE
    found = infer(repository, model, features)
    return float(np.max(np.abs(found - expected) / (1 + np.abs(expected))))


def infer(repository: Path, model: str, features: Features) -> NDArray[np.float32]:
    """Answers of an exported network, over 50 GeV, shape (events, 2)."""

    def inputs(chosen: NDArray[np.int64]) -> dict[str, Ragged]:
        events = features.events(chosen)
        category = events.category.astype(np.int64)
        columns = (category // 44, category // 4 % 11, category % 4)
        return {"input": Ragged(events.content, events.counts)} | {
            f"input_cat{index}": Ragged(column[:, np.newaxis], events.counts)
            for index, column in enumerate(columns)
        }

    return answer(repository, model, inputs, count=features.size)
