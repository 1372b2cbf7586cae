"""``python -m training.particlenet NETWORK STEP --data FOLDER``: a step of the training, or all.

Networks are ``ak4`` (flavour of small jets), ``ak8`` (large jets), ``ak8_md`` (the same, whatever
the mass) and ``ak8_mass``. Steps that were left in the middle go on where they were.
"""

import argparse
from collections.abc import Callable, Mapping, Sequence
from dataclasses import fields, replace
from pathlib import Path
from typing import Any, Final, get_type_hints

from training.datasets import SPLITS
from training.particlenet.extraction import make_features
from training.particlenet.options import PRESETS, TrainingOptions
from training.particlenet.recipes import RECIPES
from training.samples import make_samples

REPOSITORY: Final = Path(__file__).parents[2] / "models"


def main(arguments: Sequence[str] | None = None) -> None:
    """Runs the step that the command line names."""
    given = _parser().parse_args(arguments)
    given.recipe = RECIPES[given.network]
    for name, step in STEPS.items():
        if given.step in (name, "all"):
            step(given)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m training.particlenet",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    steps = "; ".join(
        f"{name}: {(step.__doc__ or '').splitlines()[0]}" for name, step in STEPS.items()
    )
    parser.add_argument("network", choices=list(RECIPES))
    parser.add_argument("step", choices=[*STEPS, "all"], help=steps)
    parser.add_argument("--data", type=Path, required=True, help="folder for samples and networks")
    parser.add_argument("--models", type=Path, default=REPOSITORY, help="model repository")
    parser.add_argument("--workers", type=int, default=2, help="processes that make samples")
    parser.add_argument(
        "--sizes", choices=list(PRESETS), help="of the network; light ones if not given"
    )
    parser.add_argument(
        "--jets", type=int, help="jets of an epoch; the recipe's, or as many as there are"
    )
    group = parser.add_argument_group("training", "what a recipe has unless another is given")
    kinds = get_type_hints(TrainingOptions)
    for item in fields(TrainingOptions):
        name = f"--{item.name.replace('_', '-')}"
        kind: Any = kinds[item.name]
        given: dict[str, Any] = {"default": argparse.SUPPRESS, "help": _defaults(item.name)}
        if kind is bool:
            group.add_argument(name, action=argparse.BooleanOptionalAction, **given)
        else:
            group.add_argument(name, type=Path if name == "--start-from" else kind, **given)
    return parser


def _defaults(name: str) -> str:
    """What the recipes have for an option."""
    if name == "start_from":
        starts = {recipe.network: recipe.starts_from for recipe in RECIPES.values()}
        return f"network file; {_by_network(starts)}"
    values = {recipe.network: getattr(recipe.training, name) for recipe in RECIPES.values()}
    one_for_all = len(set(values.values())) == 1
    return str(values.popitem()[1]) if one_for_all else _by_network(values)


def _by_network(values: Mapping[str, object]) -> str:
    return ", ".join(f"{network}: {value}" for network, value in values.items() if value)


def simulate(given: argparse.Namespace) -> None:
    """Simulates the events that are missing."""
    for split in SPLITS:
        make_samples(given.recipe.family.samples(split), given.data, given.workers)


def features(given: argparse.Namespace) -> None:
    """Runs the chain on events and keeps the features of their jets."""
    for split in SPLITS:
        make_features(given.recipe.family.samples(split), given.data, given.workers)


def fit(given: argparse.Namespace) -> None:
    """Trains, or goes on training, with the jets that are there."""
    from training.particlenet.fit import fit_network  # noqa: PLC0415 - torch is slow to import

    fit_network(given.recipe, given.data, options_of(given), sizes=given.sizes, number=given.jets)


def options_of(given: argparse.Namespace) -> TrainingOptions:
    """The recipe's, but for those that the command line has."""
    names = [item.name for item in fields(TrainingOptions) if hasattr(given, item.name)]
    options: TrainingOptions = given.recipe.training
    return replace(options, **{name: getattr(given, name) for name in names})


def write(given: argparse.Namespace) -> None:
    """Exports the best network as ONNX and verifies it against torch."""
    from training.particlenet.publish import publish  # noqa: PLC0415 - torch is slow to import

    publish(given.recipe, given.data, given.models)


def measure(given: argparse.Namespace) -> None:
    """Measures the exported network on the test jets and writes its card."""
    from training.particlenet.publish import write_card  # noqa: PLC0415 - torch is slow to import

    write_card(given.recipe, given.data, given.models)


STEPS: Final[dict[str, Callable[[argparse.Namespace], None]]] = {
    "simulate": simulate,
    "features": features,
    "train": fit,
    "export": write,
    "evaluate": measure,
}

if __name__ == "__main__":
    main()
