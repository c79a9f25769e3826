"""The sentence encoder of the examples against embeddings computed in float64 by another implementation.

minilm.json holds the texts, their token ids, and the vectors with nine decimals.
"""

import json
import pathlib
import subprocess
import sys

import numpy as np
import pytest

HERE = pathlib.Path(__file__).parent
EXAMPLE = HERE.parent.parent / "examples" / "minilm" / "minilm.py"
CASES = json.loads((HERE / "minilm.json").read_text(encoding="utf-8"))["cases"]


@pytest.fixture(scope="module")
def encoder():
    sys.path.insert(0, str(EXAMPLE.parent))
    from minilm import Encoder

    return Encoder()


@pytest.mark.parametrize("case", CASES, ids=[case["text"][:20] or "empty" for case in CASES])
def test_tokens_are_equal_and_the_embedding_is_within_two_millionths(encoder, case):
    (ids,) = encoder.tokenize([case["text"]])
    assert ids == case["ids"]
    vector = encoder.encode_ids([ids])[0]
    expected = np.array(case["embedding"])
    assert np.abs(vector - expected).max() <= 2e-6
    assert vector @ expected >= 0.999999


def test_a_batch_gives_what_its_sentences_give_alone(encoder):
    together = encoder.encode([case["text"] for case in CASES])
    alone = np.stack([encoder.encode_ids([case["ids"]])[0] for case in CASES])
    assert np.abs(together - alone).max() <= 2e-6


def test_the_command_reads_and_writes_json():
    texts = [CASES[0]["text"], ""]
    run = subprocess.run([sys.executable, str(EXAMPLE), "--embed", "-"], input=json.dumps(texts), capture_output=True,
                         text=True, check=True)
    vectors = np.array(json.loads(run.stdout))
    assert vectors.shape == (2, 384)
    assert np.abs(vectors[0] - CASES[0]["embedding"]).max() <= 2e-6
