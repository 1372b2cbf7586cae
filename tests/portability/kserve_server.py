"""KServe's Python server with the ONNX networks of a model repository, on loopback only.

Run by an environment with ``kserve`` and ``onnxruntime``, which is not ours:

    python kserve_server.py MODELS HTTP_PORT GRPC_PORT
"""

import sys
from pathlib import Path
from typing import Any

import grpc
import onnxruntime
import uvicorn
from kserve import InferOutput, InferRequest, InferResponse, Model, ModelServer

_HOST = "127.0.0.1"
_DATATYPES = {"tensor(float)": "FP32", "tensor(int64)": "INT64", "tensor(int32)": "INT32"}


class OnnxModel(Model):  # type: ignore[misc]
    """One network, under the name of its folder."""

    def __init__(self, folder: Path) -> None:
        """Loads version 1."""
        super().__init__(folder.name)
        self._session = onnxruntime.InferenceSession(folder / "1" / "model.onnx")
        self.ready = True

    def get_input_types(self) -> list[dict[str, Any]]:
        """Inputs for the metadata; the server itself would tell of none."""
        return [_described(node) for node in self._session.get_inputs()]

    def get_output_types(self) -> list[dict[str, Any]]:
        """Outputs, likewise."""
        return [_described(node) for node in self._session.get_outputs()]

    async def predict(
        self, payload: InferRequest, headers: Any = None, response_headers: Any = None
    ) -> InferResponse:
        """Evaluates the network."""
        names = [node.name for node in self._session.get_outputs()]
        inputs = {tensor.name: tensor.as_numpy() for tensor in payload.inputs}
        outputs = []
        described = self.get_output_types()
        for told, array in zip(described, self._session.run(names, inputs), strict=True):
            output = InferOutput(told["name"], list(array.shape), told["datatype"])
            output.set_data_from_numpy(array, binary_data=True)
            outputs.append(output)
        return InferResponse(
            payload.id or "",
            self.name,
            outputs,
            requested_outputs=payload.request_outputs,
            use_binary_outputs=payload.use_binary_outputs,
        )


def _described(node: Any) -> dict[str, Any]:
    shape = [size if isinstance(size, int) else -1 for size in node.shape]
    return {"name": node.name, "datatype": _DATATYPES[node.type], "shape": shape}


def _stay_on_loopback() -> None:
    """The server listens on every interface and has no setting for it."""
    configure, make_server = uvicorn.Config.__init__, grpc.aio.server

    def configured(self: uvicorn.Config, *args: Any, **kwargs: Any) -> None:
        configure(self, *args, **{**kwargs, "host": _HOST})

    def made(*args: Any, **kwargs: Any) -> Any:
        server = make_server(*args, **kwargs)
        add_port = server.add_insecure_port
        server.add_insecure_port = lambda where: add_port(f"{_HOST}:{where.rpartition(':')[2]}")
        return server

    uvicorn.Config.__init__ = configured
    grpc.aio.server = made


def main() -> None:
    """Serves until it is ended."""
    folder, http_port, grpc_port = sys.argv[1:]
    _stay_on_loopback()
    models = [OnnxModel(path.parent.parent) for path in Path(folder).glob("*/1/model.onnx")]
    ModelServer(http_port=int(http_port), grpc_port=int(grpc_port), workers=1).start(models)


if __name__ == "__main__":
    main()
