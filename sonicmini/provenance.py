"""What is written into an output about how it was made."""

import platform
from dataclasses import asdict, fields
from importlib.metadata import version
from typing import Any

from sonicmini.module import SonicProducer
from sonicmini.prepare import Job
from sonicmini.report import Report

_RECORDED_PACKAGES = (
    "sonicmini",
    "awkward",
    "correctionlib",
    "numba",
    "numpy",
    "onnxruntime",
    "uproot",
)


def provenance(job: Job, report: Report) -> dict[str, Any]:
    """The provenance of a run's output, as JSON can hold it. No secrets are in a configuration."""
    return {
        "config": job.config.model_dump(mode="json"),
        "modules": {
            label: {
                "type": f"{type(module).__module__}:{type(module).__qualname__}",
                "consumes": sorted(module.consumes),
                "produces": sorted(module.produces),
                "network": isinstance(module, SonicProducer),
            }
            | {field.name: getattr(module, field.name) for field in fields(module)}  # type: ignore[arg-type]  # modules are dataclasses
            for label, module in job.modules.items()
        },
        "models": {
            model: {"version": spec.version, "sha256": spec.sha256, "folder": str(spec.folder)}
            for model, spec in job.specs.items()
        },
        "backends": [
            {"model": model, "backend": backend, "requests": network.requests}
            for (model, backend), network in sorted(report.networks.items())
        ],
        "servers": [asdict(server) for server in report.servers],
        "events": {"processed": report.events, "written": report.events_written},
        "inputs": [
            {"file": file, "start": start, "stop": stop} for file, start, stop in report.inputs
        ],
        "versions": {"python": platform.python_version()}
        | {name: version(name) for name in _RECORDED_PACKAGES},
    }
