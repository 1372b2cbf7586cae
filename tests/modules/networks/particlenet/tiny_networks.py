"""Networks of two layers in CMS's layout, with six inputs of two lengths."""

import json
from itertools import pairwise
from typing import Any

import numpy as np
from onnx import TensorProto, helper, numpy_helper, save

PF = ("pfcand_pt_log_nopuppi", "pfcand_etarel", "pfcand_dxysig", "pfcand_charge")
SV = ("sv_mass", "sv_dxysig")
GROUPS = {
    "pf_points": ("pfcand_etarel", "pfcand_phirel"),
    "pf_features": PF,
    "pf_mask": ("pfcand_mask",),
    "sv_points": ("sv_etarel", "sv_phirel"),
    "sv_features": SV,
    "sv_mask": ("sv_mask",),
}
LENGTHS = {"pf": (4, 8), "sv": (1, 3)}


def numbers(median=0.0, factor=1.0, bound=5.0):
    return {
        "median": median,
        "norm_factor": factor,
        "replace_inf_value": 0,
        "lower_bound": -bound,
        "upper_bound": bound,
        "pad": 0,
    }


def content(labels, groups=None):
    """What preprocess.json says: each feature has numbers of its own."""
    groups = groups or GROUPS
    made: dict[str, Any] = {"output_names": list(labels), "input_names": list(groups)}
    for name, features in groups.items():
        shortest, longest = LENGTHS[name[:2]]
        infos = {
            feature: numbers(0.2 * i, 0.5 + i) if "features" in name else numbers(bound=1e32)
            for i, feature in enumerate(features)
        }
        made[name] = {
            "var_names": list(features),
            "var_infos": infos,
            "min_length": shortest,
            "max_length": longest,
        }
    return made


def write_repository(folder, name, labels):
    """Writes a model that looks at everything, with softmax or, for one label, without."""
    model = folder / name
    (model / "1").mkdir(parents=True)
    (model / "preprocess.json").write_text(json.dumps(content(labels)))
    lines = [f'name: "{name}"\nplatform: "onnxruntime_onnx"\nmax_batch_size: 7']
    for kind, dims in (
        ("input", {name: f"{len(features)}, -1" for name, features in GROUPS.items()}),
        ("output", {output_of(labels): str(len(labels))}),
    ):
        for tensor, shape in dims.items():
            lines.append(f'{kind} [{{ name: "{tensor}" data_type: TYPE_FP32 dims: [{shape}] }}]')
    (model / "config.pbtxt").write_text("\n".join(lines))
    save(network(labels), model / "1" / "model.onnx")
    return folder


def output_of(labels):
    return "softmax" if len(labels) > 1 else "output"


def network(labels):
    """Masked sums of all features, times random numbers."""
    rng = np.random.default_rng(len(labels))
    nodes, constants, parts = [], [], []
    axes = numpy_helper.from_array(np.array([2], np.int64), "axes")
    for name, features in GROUPS.items():
        mask = f"{name[:2]}_mask"
        weight = rng.normal(0, 0.3, (len(features), len(labels))).astype(np.float32)
        constants.append(numpy_helper.from_array(weight, f"{name}_weight"))
        nodes += [
            helper.make_node("Mul", [name, mask], [f"{name}_masked"]),
            helper.make_node("Tanh", [f"{name}_masked"], [f"{name}_small"]),
            helper.make_node("ReduceSum", [f"{name}_small", "axes"], [f"{name}_sum"], keepdims=0),
            helper.make_node("MatMul", [f"{name}_sum", f"{name}_weight"], [f"{name}_part"]),
        ]
        parts.append(f"{name}_part")
    nodes.append(helper.make_node("Sum", parts, ["logits"]))
    last = "Softmax" if len(labels) > 1 else "Exp"  # the former along the last axis
    nodes.append(helper.make_node(last, ["logits"], [output_of(labels)]))

    def value(name, *dims):
        return helper.make_tensor_value_info(name, TensorProto.FLOAT, ["batch", *dims])

    inputs = [value(name, len(features), name[:2]) for name, features in GROUPS.items()]
    outputs = [value(output_of(labels), len(labels))]
    graph = helper.make_graph(nodes, "tiny", inputs, outputs, [axes, *constants])
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)


def rows_of(counts):
    """First and last row of each jet."""
    return list(pairwise(np.concatenate([[0], np.cumsum(counts)]).tolist()))
