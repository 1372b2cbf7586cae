"""A ParticleNet for AK4 jets on simulated ttbar events; makes the numbers of particlenet.md.

Usage: python docs/validate_particlenet.py REPOSITORY FILE.root ... The repository has a model
``particlenet_AK4`` in CMS's layout. Prints areas under curves of efficiency, then of each feature
median and width, and those that the network assumes.
"""

import asyncio
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

import numpy as np
from numpy.typing import NDArray
from scipy.stats import rankdata

from sonicmini.event import Products
from sonicmini.inference.onnx import OnnxClient
from sonicmini.inference.repository import ModelRepository, ModelSpec
from sonicmini.inference.route import Direct
from sonicmini.inference.service import InferenceService
from sonicmini.modules.columns import flat
from sonicmini.modules.networks.particlenet.inputs import KNOWN, MAKERS
from sonicmini.modules.networks.particlenet.jets import with_candidates
from sonicmini.modules.networks.particlenet.preprocess import Preprocess
from sonicmini.modules.networks.particlenet.taggers import ParticleNetAK4, ParticleNetAK4CHS
from training.chain import Chain

T = TypeVar("T")
Array = NDArray[Any]
MODULES = (ParticleNetAK4CHS(), ParticleNetAK4())
MIN_PT, MAX_ETA = 30.0, 2.4
BOOTSTRAP = 100
B, C, LIGHT = 5, 4, 0
COMPARISONS = {
    "b against light": ("btagPNetB", B, LIGHT),
    "b against c": ("btagPNetB", B, C),
    "c against light": ("btagPNetCvL", C, LIGHT),
}


class Found(NamedTuple):
    """Jets of a chunk.

    Attributes:
        jets: columns of those in the acceptance.
        features: raw ones of their candidates and of their vertices.
        described: number of jets that have features.
        acquire_s: CPU time that the features of all took.
    """

    jets: dict[str, Array]
    features: list[Array]
    described: int
    acquire_s: float


async def run_here(function: Callable[[], T]) -> T:
    """Does it at once."""
    return function()


def evaluated(
    module: ParticleNetAK4CHS, spec: ModelSpec, products: Products
) -> tuple[Products, float]:
    """The module's columns, and the CPU time of its features."""
    inputs = {name: products[name] for name in module.consumes}
    start = time.process_time()
    tensors = module.acquire(inputs)
    spent = time.process_time() - start
    client = OnnxClient({module.model: spec}, run_here)
    service = InferenceService({module.model: (spec, Direct("here", client))}, run_here)
    outputs = asyncio.run(service.infer(module.model, tensors))
    return module.produce(inputs, outputs), spent


def looked_at(
    module: ParticleNetAK4CHS, spec: ModelSpec, read: Preprocess, products: Products
) -> Found:
    """The jets of a chunk."""
    kind = module.kind
    columns, spent = evaluated(module, spec, products)
    jets, scores = products[kind.jets], columns[module.produces[0]]
    inside = (flat(jets, "pt") > MIN_PT) & (np.abs(flat(jets, "eta")) < MAX_ETA)
    kept = {name: flat(scores, name)[inside] for name in ("btagPNetB", "btagPNetCvL")}
    kept["flavour"] = flat(products[f"{kind.jets}GenMatch"], "hadronFlavour", np.int64)[inside]
    features = []
    for (_, make), name in zip(MAKERS, ("pf_features", "sv_features"), strict=True):
        group = read.group(name)
        raw, counts = make(products, kind, group.features, max_length=group.max_length)
        features.append(raw[np.repeat(inside, counts)])
    described = int(np.count_nonzero(with_candidates(products, kind)))
    return Found(kept, features, described, spent)


def area(signal: Array, background: Array) -> float:
    """Probability that a jet of the signal has the higher score."""
    ranks = rankdata(np.concatenate([signal, background]))
    n = len(signal)
    return float((ranks[:n].sum() - n * (n + 1) / 2) / (n * len(background)))


def lines(jets: dict[str, Array]) -> Iterator[str]:
    """Areas with errors from samples drawn again."""
    rng = np.random.default_rng(1)
    for title, (name, signal, background) in COMPARISONS.items():
        first, second = (jets[name][jets["flavour"] == one] for one in (signal, background))
        drawn = [
            area(rng.choice(first, len(first)), rng.choice(second, len(second)))
            for _ in range(BOOTSTRAP)
        ]
        value = f"{area(first, second):.4f} ± {np.std(drawn):.4f}"
        yield f"{title}: {len(first)} and {len(second)} jets, {value}"


def widths(read: Preprocess, name: str, features: Array) -> Iterator[str]:
    """Median and the larger half width of 68 % of each feature, and what the network assumes."""
    group = read.group(name)
    low, middle, high = np.percentile(features, [16, 50, 84], axis=0)
    for i, feature in enumerate(group.features):
        ours = f"{middle[i]:.3g}, {max(high[i] - middle[i], middle[i] - low[i]):.3g}"
        yield f"{feature}: {ours}; {group.median[i]:.3g}, {1 / group.norm_factor[i]:.3g}"


def show(*text: str) -> None:
    """Prints lines."""
    sys.stdout.write("\n".join([*text, ""]))


def main() -> None:
    """Prints everything."""
    repository, *files = map(Path, sys.argv[1:])
    spec = ModelRepository(repository).specs(["particlenet_AK4"])["particlenet_AK4"]
    read = Preprocess.read(spec.folder, KNOWN)
    modules = [module.configured(spec.folder) for module in MODULES]
    matches = [f"{module.kind.jets}GenMatch" for module in modules]
    chain = Chain({*matches, *(name for module in modules for name in module.consumes)})
    found: dict[str, list[Found]] = {module.kind.jets: [] for module in modules}
    for chunk in (chunk for file in files for chunk in chain.chunks(file)):
        for module in modules:
            found[module.kind.jets].append(looked_at(module, spec, read, chunk.products))
    for jets, parts in found.items():
        names = parts[0].jets
        every = {name: np.concatenate([part.jets[name] for part in parts]) for name in names}
        spent = sum(part.acquire_s for part in parts[1:])
        show(
            f"{jets}: {1e6 * spent / sum(part.described for part in parts[1:]):.1f} us of CPU a jet"
        )
        show(*lines(every))
    for i, name in enumerate(("pf_features", "sv_features")):
        features = np.concatenate([part.features[i] for part in found["JetCHS"]])
        show(*widths(read, name, features))


if __name__ == "__main__":
    main()
