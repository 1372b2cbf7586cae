"""``python -m training.particlenet NETWORK STEP --data FOLDER``: a step of the training, or all."""

import argparse
from collections.abc import Sequence
from pathlib import Path

from training.datasets import SPLITS
from training.particlenet.extraction import make_features
from training.particlenet.recipes import RECIPES


def main(arguments: Sequence[str] | None = None) -> None:
    """Runs the step that the command line names."""
    parser = argparse.ArgumentParser(prog="python -m training.particlenet", description=__doc__)
    parser.add_argument("network", choices=list(RECIPES))
    parser.add_argument("step", choices=["features"])
    parser.add_argument("--data", type=Path, required=True, help="folder for samples and networks")
    parser.add_argument("--workers", type=int, default=2, help="processes that make samples")
    given = parser.parse_args(arguments)
    family = RECIPES[given.network].family
    for split in SPLITS:
        make_features(family.samples(split), given.data, given.workers)


if __name__ == "__main__":
    main()
