"""MLServer with the ONNX networks of a model repository, on loopback only.

Run by an environment with ``mlserver`` and ``onnxruntime``, which is not ours:

    python mlserver_server.py MODELS HTTP_PORT GRPC_PORT
"""

import asyncio
import sys
from pathlib import Path
from typing import Any

import onnxruntime
from mlserver import MLModel, MLServer, ModelSettings, Settings
from mlserver.codecs import NumpyCodec
from mlserver.settings import ModelParameters
from mlserver.types import InferenceRequest, InferenceResponse, MetadataTensor

_DATATYPES = {"tensor(float)": "FP32", "tensor(int64)": "INT64", "tensor(int32)": "INT32"}


class OnnxModel(MLModel):  # type: ignore[misc]
    """One network."""

    async def load(self) -> bool:
        """Opens the network; its inputs and outputs become the model's metadata."""
        self._session = onnxruntime.InferenceSession(self.settings.parameters.uri)
        self.inputs = [_described(node) for node in self._session.get_inputs()]
        self.outputs = [_described(node) for node in self._session.get_outputs()]
        return True

    async def predict(self, payload: InferenceRequest) -> InferenceResponse:
        """Evaluates the network."""
        names = [node.name for node in self._session.get_outputs()]
        inputs = {tensor.name: NumpyCodec.decode_input(tensor) for tensor in payload.inputs}
        answers = zip(names, self._session.run(names, inputs), strict=True)
        return InferenceResponse(
            model_name=self.name,
            model_version=self.version,
            outputs=[NumpyCodec.encode_output(name, array) for name, array in answers],
        )


def _described(node: Any) -> MetadataTensor:
    shape = [size if isinstance(size, int) else -1 for size in node.shape]
    return MetadataTensor(name=node.name, datatype=_DATATYPES[node.type], shape=shape)


async def _serve(folder: Path, http_port: int, grpc_port: int) -> None:
    settings = Settings(
        host="127.0.0.1",
        http_port=http_port,
        grpc_port=grpc_port,
        parallel_workers=0,
        metrics_endpoint=None,
        debug=False,
    )
    models = [
        ModelSettings(
            name=path.parent.parent.name,
            implementation=OnnxModel,
            parameters=ModelParameters(uri=str(path), version="1"),
        )
        for path in folder.glob("*/1/model.onnx")
    ]
    await MLServer(settings).start(models)


def main() -> None:
    """Serves until it is ended."""
    folder, http_port, grpc_port = sys.argv[1:]
    asyncio.run(_serve(Path(folder), int(http_port), int(grpc_port)))


if __name__ == "__main__":
    main()
