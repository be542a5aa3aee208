"""The worker side of idbench's protocol: standard library only, so that it runs inside any environment.

A worker is a script that says how to load a model and how to make one image:

    from idbench_worker import Refused, serve

    def load(hello):                      # hello: "device", "weights" {role: path}, "parameters", "offload"
        return Pipeline(hello["weights"]["base"]).to(hello["device"])

    def generate(pipeline, job):          # job: "prompt", "people", "canvas", "seed", "parameters", "case"
        photos = [person["references"][0] for person in job["people"]]
        return pipeline(job["prompt"], photos, seed=job["seed"])     # anything with .save(path, format="PNG")

    if __name__ == "__main__":
        serve(load, generate)

idbench puts this file's folder on PYTHONPATH; copy it where that does not reach. The protocol is described in
docs/workers.md. Whatever libraries print goes to stderr, and from there into the run's logs.
"""

import json
import os
import queue
import resource
import sys
import threading
import time
import traceback

PROTOCOL = 1
RSS_UNIT = 1 if sys.platform == "darwin" else 1024  # bytes of ru_maxrss


class Refused(Exception):
    """Raised by `generate` where the model declines a job, with the reason: outcome `refused`."""


def serve(load, generate):
    """Answer jobs until idbench goes away. `load(hello)` gives what `generate(loaded, job)` gets for every image."""
    say = _own_stdout()
    messages = queue.Queue()
    threading.Thread(target=_read, args=(messages,), daemon=True).start()
    hello = messages.get()
    try:
        if hello["protocol"] != PROTOCOL:
            raise RuntimeError(f"protocol {PROTOCOL} is spoken here, found {hello['protocol']}")
        loaded = load(hello)
    except Exception as error:
        traceback.print_exc()  # into the log; idbench is told in one line
        say({"type": "failed", "error": _line(error)})
        return
    say({"type": "ready", "protocol": PROTOCOL})
    while True:
        for job in messages.get()["jobs"]:
            say({"type": "outcome", "id": job["id"], **_answer(loaded, generate, job)})


def _answer(loaded, generate, job):
    """What became of one job; whatever goes wrong is its outcome and not the end of the worker."""
    began = time.perf_counter()
    cuda = _cuda()
    if cuda:
        cuda.reset_peak_memory_stats()
    try:
        generate_and_save(loaded, generate, job)
        outcome = {"outcome": "generated"}
    except Refused as reason:
        outcome = {"outcome": "refused", "error": str(reason)}
    except Exception as error:
        traceback.print_exc()
        outcome = {"outcome": "generation_failed", "error": _line(error)}
        if cuda and "out of memory" in str(error):
            cuda.empty_cache()
    outcome["boxes"] = job.get("told_boxes")
    return {**outcome, "seconds": round(time.perf_counter() - began, 3), "peak_memory": _peak_memory(), "batch": 1}


def generate_and_save(loaded, generate, job):
    """Make the image and write it under a temporary name first, so that a half-written file is never taken for one."""
    image = generate(loaded, job)
    if image is None:
        raise RuntimeError("the model gave no image")
    partial = job["output"] + ".part"
    image.save(partial, format="PNG")
    os.replace(partial, job["output"])  # noqa: PTH105  (nothing is imported that is not needed)


def fit_boxes(job, width, height):
    """The people's boxes on an image of this size: the target's canvas fitted into it, centred; None without boxes."""
    boxes = [person["box"] for person in job["people"]]
    if job["canvas"] is None or any(box is None for box in boxes):
        return None
    scale = min(width / job["canvas"][0], height / job["canvas"][1])
    left, top = (width - job["canvas"][0] * scale) / 2, (height - job["canvas"][1] * scale) / 2
    fitted = [[x1 * scale + left, y1 * scale + top, x2 * scale + left, y2 * scale + top] for x1, y1, x2, y2 in boxes]
    job["told_boxes"] = fitted  # idbench judges by them whether everybody stands in their place
    return fitted


def _own_stdout():
    """Keep stdout for messages; what anything else prints there goes to stderr."""
    channel = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    sys.stdout = sys.stderr

    def say(message):
        channel.write(json.dumps(message) + "\n")
        channel.flush()

    return say


def _read(messages):
    """Hand on what idbench sends; when it is gone, end at once."""
    for line in sys.stdin:
        messages.put(json.loads(line))
    os._exit(0)


def _cuda():
    torch = sys.modules.get("torch")
    return torch.cuda if torch is not None and torch.cuda.is_available() else None


def _peak_memory():
    cuda = _cuda()
    return int(cuda.max_memory_allocated()) if cuda else resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * RSS_UNIT


def _line(error):
    return f"{type(error).__name__}: {' '.join(str(error).split())}"[:300]
