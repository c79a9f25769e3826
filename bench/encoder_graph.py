"""The sentence encoder all-MiniLM-L6-v2 as an ONNX graph, made from the same weights.

The graph is what an export of the model looks like, with LayerNormalization, Gelu and the runtime's own fused attention
spelt as single operators, so that nothing depends on what its optimiser recognises.
"""

from __future__ import annotations

import pathlib
import sys

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "examples" / "minilm"))

from minilm import HEADS, LAYERS, WIDTH, Encoder  # noqa: E402


class Graph:
    """Nodes and constants in the order in which they are added; every method gives the name of its result."""

    def __init__(self, weights: dict[str, np.ndarray]) -> None:
        self.weights = weights
        self.nodes: list[onnx.NodeProto] = []
        self.constants: list[onnx.TensorProto] = []

    def constant(self, value: np.ndarray) -> str:
        name = f"c{len(self.constants)}"
        self.constants.append(numpy_helper.from_array(np.ascontiguousarray(value), name))
        return name

    def node(self, operator: str, *inputs: str, **attributes) -> str:
        name = f"v{len(self.nodes)}"
        self.nodes.append(helper.make_node(operator, inputs, [name], **attributes))
        return name

    def linear(self, x: str, name: str) -> str:
        product = self.node("MatMul", x, self.constant(self.weights[name + ".weight"].T))
        return self.node("Add", product, self.constant(self.weights[name + ".bias"]))

    def norm(self, x: str, name: str) -> str:
        scale, bias = (self.constant(self.weights[f"{name}.LayerNorm.{part}"]) for part in ("weight", "bias"))
        return self.node("LayerNormalization", x, scale, bias, axis=-1, epsilon=1e-12)

    def layer(self, x: str, mask: str, name: str) -> str:
        q, k, v = (self.linear(x, f"{name}.attention.self.{part}") for part in ("query", "key", "value"))
        seen = self.node("MultiHeadAttention", q, k, v, "", mask, num_heads=HEADS, domain="com.microsoft")
        dense = self.linear(seen, name + ".attention.output.dense")
        x = self.norm(self.node("Add", dense, x), name + ".attention.output")
        inner = self.node("Gelu", self.linear(x, name + ".intermediate.dense"))
        return self.norm(self.node("Add", self.linear(inner, name + ".output.dense"), x), name + ".output")

    def pool(self, x: str, mask: str) -> str:
        """The mean of the real tokens, scaled to length one."""
        axis = self.constant(np.array([2]))
        real = self.node("Unsqueeze", self.node("Cast", mask, to=TensorProto.FLOAT), axis)
        tokens = self.constant(np.array([1]))
        total = self.node("ReduceSum", self.node("Mul", x, real), tokens, keepdims=0)
        mean = self.node("Div", total, self.node("ReduceSum", real, tokens, keepdims=0))
        return self.node("LpNormalization", mean, axis=-1, p=2)


def model(weights: dict[str, np.ndarray], sentences: int, tokens: int) -> bytes:
    """Inputs: ids [sentences, tokens] and mask, 1 where a token is real, both int32; output: embedding."""
    graph = Graph(weights)
    words = graph.node("Gather", graph.constant(weights["embeddings.word_embeddings.weight"]), "ids")
    places = weights["embeddings.position_embeddings.weight"][:tokens] + weights["embeddings.token_type_embeddings.weight"][0]
    x = graph.norm(graph.node("Add", words, graph.constant(places)), "embeddings")
    for layer in range(LAYERS):
        x = graph.layer(x, "mask", f"encoder.layer.{layer}")
    embedding = graph.pool(x, "mask")
    inputs = [helper.make_tensor_value_info(name, TensorProto.INT32, [sentences, tokens]) for name in ("ids", "mask")]
    output = helper.make_tensor_value_info(embedding, TensorProto.FLOAT, [sentences, WIDTH])
    made = helper.make_graph(graph.nodes, "minilm", inputs, [output], graph.constants)
    opsets = [helper.make_opsetid("", 20), helper.make_opsetid("com.microsoft", 1)]
    return helper.make_model(made, opset_imports=opsets, ir_version=9).SerializeToString()


def weights() -> dict[str, np.ndarray]:
    return Encoder().weights


def inputs(ids: np.ndarray) -> dict[str, np.ndarray]:
    return {"ids": ids, "mask": np.ones_like(ids)}
