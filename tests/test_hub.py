"""Downloading a suite and weights of models, from a hub that runs on this machine."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

REVISION = "0123456789abcdef0123456789abcdef01234567"


FILE = "data/train-00000-of-00001.parquet"


@pytest.fixture
def hub(tmp_path):
    """Address of a local hub that offers one small parquet file under the paper's id."""
    image = {"bytes": b"not looked at here", "path": None}
    row = {
        "ID": "x1",
        "GT": image,
        "input_images": [image],
        "prompt": "p",
        "task_type": "t2i",
        "bboxes": "[]",
        "subset": "p1",
        "num_persons": 1,
    }
    pq.write_table(pa.Table.from_pylist([row]), tmp_path / "x.parquet")
    data = (tmp_path / "x.parquet").read_bytes()

    class Hub(BaseHTTPRequestHandler):
        def do_HEAD(self):
            self._answer(b"", data)

        def do_GET(self):
            if self.path.startswith("/api/models/gated"):
                self.send_response(403)
                self.send_header("X-Error-Code", "GatedRepo")
                self.end_headers()
            elif self.path.startswith("/api/models/me/mine"):
                names = ("config.json", "model.safetensors", "pytorch_model.bin", "README.md")
                siblings = [{"rfilename": name, "size": len(data)} for name in names]
                card = {"license": "mit"}
                self._answer(
                    json.dumps({"id": "me/mine", "sha": REVISION, "siblings": siblings, "cardData": card}).encode(),
                    None,
                )
            elif self.path.startswith("/api/datasets/WithAnyone/MultiID-Bench"):
                siblings = [{"rfilename": FILE, "size": len(data)}, {"rfilename": "README.md", "size": 9}]
                info = {
                    "id": "WithAnyone/MultiID-Bench",
                    "sha": REVISION,
                    "siblings": siblings,
                    "cardData": {"license": "cc-by-nc-4.0"},
                }
                self._answer(json.dumps(info).encode(), None)
            else:
                self._answer(data, data)

        def _answer(self, body, file):
            self.send_response(200)
            self.send_header("Content-Length", str(len(file if file is not None else body)))
            if file is not None:
                self.send_header("ETag", f'"{hashlib.sha256(file).hexdigest()}"')
                self.send_header("X-Repo-Commit", REVISION)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *arguments):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Hub)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()


def idbench(*arguments: str, answer: str = "", **environment: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", "from idbench.cli import main; main()", *arguments]
    clean = {k: v for k, v in os.environ.items() if k not in ("HF_HUB_OFFLINE", "HF_TOKEN")}
    return subprocess.run(command, env=clean | environment, input=answer, capture_output=True, text=True, timeout=120)


def test_fetch_says_licence_and_size_asks_and_then_the_suite_opens(hub: str, tmp_path: Path):
    place = {"HF_ENDPOINT": hub, "IDBENCH_CACHE": str(tmp_path / "cache"), "HF_HOME": str(tmp_path / "hf")}
    refused = idbench("suites", "fetch", answer="n\n", **place)
    assert refused.returncode == 1
    assert "cc-by-nc-4.0" in refused.stderr
    assert "non-commercial" in refused.stderr
    assert "1 files" in refused.stderr
    assert not list((tmp_path / "cache").rglob("*.parquet"))
    done = idbench("suites", "fetch", "--yes", **place)
    assert done.returncode == 0, done.stderr
    assert len(list((tmp_path / "cache").rglob("*.parquet"))) == 1
    shown = idbench("suites", "show", "multiid-bench", "--json", **place)
    assert json.loads(shown.stdout)["cases"] == 1
    assert json.loads(shown.stdout)["name"] == "multiid-bench"


def test_without_a_network_fetch_is_one_line_that_says_what_to_do(tmp_path: Path):
    place = {"HF_ENDPOINT": "http://127.0.0.1:9", "IDBENCH_CACHE": str(tmp_path)}
    done = idbench("suites", "fetch", "--yes", **place)
    assert done.returncode == 1
    assert done.stderr.count("\n") == 1
    assert "cannot ask the hub" in done.stderr
    missing = idbench("score", "--suite", "multiid-bench", "--recognizer", "insightface:x", **place)
    assert missing.returncode == 1
    assert "idbench suites fetch multiid-bench" in missing.stderr


CARD = """
name = "mine"
kind = "diffusers"
title = "Mine"
summary = "For tests."
[source]
[licence]
code = "MIT"
weights = "MIT"
[[weights]]
role = "base"
form = "folder"
hub = "me/mine"
gigabytes = 1.5
licence = "MIT, as the card says"
[parameters.width]
default = 64
meaning = "pixels"
[parameters.height]
default = 64
meaning = "pixels"
[parameters.dtype]
default = "float32"
loading = true
meaning = "format"
[pipeline]
class = "FluxPipeline"
references = "none"
[pipeline.arguments]
width = "width"
height = "height"
"""


def test_weights_are_fetched_after_a_question_to_the_place_that_errors_name(hub: str, tmp_path: Path):
    (tmp_path / "card.toml").write_text(CARD)
    place = {"HF_ENDPOINT": hub, "IDBENCH_WEIGHTS": str(tmp_path / "weights"), "HF_HOME": str(tmp_path / "hf")}
    refused = idbench("models", "fetch", str(tmp_path), answer="n\n", **place)
    assert refused.returncode == 1 and "2 files" in refused.stderr
    assert (
        "mit (MIT, as the card says)" in refused.stderr and str(tmp_path / "weights" / "me" / "mine") in refused.stderr
    )
    assert not list((tmp_path / "weights").rglob("*.safetensors"))
    done = idbench("models", "fetch", str(tmp_path), "--yes", **place)
    assert done.returncode == 0, done.stderr
    names = {path.name for path in (tmp_path / "weights" / "me" / "mine").iterdir() if path.is_file()}
    assert names == {"config.json", "model.safetensors"}
    checked = json.loads(idbench("models", "check", str(tmp_path), "--json", **place).stdout)
    (problem,) = checked[str(tmp_path)]
    assert "no safetensors header" in problem["text"], "what this hub delivers is no tensors, and that is noticed"


def test_a_closed_gate_is_one_line_that_says_how_to_get_in(hub: str, tmp_path: Path):
    (tmp_path / "card.toml").write_text(CARD.replace("me/mine", "gated/model"))
    place = {"HF_ENDPOINT": hub, "IDBENCH_WEIGHTS": str(tmp_path / "weights"), "HF_HOME": str(tmp_path / "hf")}
    done = idbench("models", "fetch", str(tmp_path), "--yes", **place)
    assert done.returncode == 1 and done.stderr.count("\n") == 2
    assert "let you in first" in done.stderr and "HF_TOKEN" in done.stderr
    assert str(tmp_path / "weights" / "gated" / "model") in done.stderr
