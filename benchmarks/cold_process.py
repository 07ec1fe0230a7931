"""Runs each method of a benchmark in a fresh process, so that loading and compiling count, and prints a table."""

from __future__ import annotations

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

# A method gets the vectors and does the part that does not count (a peer's dataset, say); what it returns is timed.
Method = Callable[[np.ndarray], Callable[[], object]]
Quality = Callable[[np.ndarray, object], dict[str, float]]


def clustered(n: int, dim: int, seed: int = 0) -> np.ndarray:
    """Vectors like an embedding model's: 50 overlapping classes in 24 latent dimensions through a random network."""
    rng = np.random.default_rng(seed)
    latent, hidden = 24, 256
    spectrum = (np.arange(1, latent + 1) ** -0.5).astype(np.float32)
    centers = 1.5 * rng.normal(size=(50, latent)).astype(np.float32)
    widen = (rng.normal(size=(latent, hidden)) / latent**0.5).astype(np.float32)
    output = (rng.normal(size=(hidden, dim)) / hidden**0.5).astype(np.float32)
    vectors = np.empty((n, dim), np.float32)
    for start in range(0, n, 65_536):
        part = vectors[start : start + 65_536]
        classes = rng.integers(len(centers), size=len(part))
        inside = (centers[classes] + rng.standard_normal((len(part), latent), np.float32)) * spectrum
        noise = rng.standard_normal(part.shape, np.float32)
        part[:] = np.maximum(inside @ widen, 0) @ output + np.float32(0.02) * noise
    return vectors


def broad(n: int, dim: int, seed: int = 0) -> np.ndarray:
    """50 classes as wide as they are far apart in 48 dimensions: hard to divide into cells."""
    rng = np.random.default_rng(seed)
    latent = 48
    centers = rng.normal(size=(50, latent)).astype(np.float32)
    widen = (rng.normal(size=(latent, dim)) / latent**0.5).astype(np.float32)
    vectors = np.empty((n, dim), np.float32)
    for start in range(0, n, 65_536):
        part = vectors[start : start + 65_536]
        inside = centers[rng.integers(len(centers), size=len(part))] + rng.standard_normal(
            (len(part), latent), np.float32
        )
        part[:] = inside @ widen + np.float32(0.1) * rng.standard_normal(part.shape, np.float32)
    return vectors


def main(description: str, methods: dict[str, Method], default: list[str], quality: Quality) -> None:
    """Command line of a benchmark: choose vectors and methods, print one line a method."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--vectors", type=Path, help="an .npy file (n, d); made up when missing")
    parser.add_argument("--n", type=int, default=10_000, help="vectors made up, or the first n of the file")
    parser.add_argument("--dim", type=int, default=256, help="dimensions of vectors made up")
    parser.add_argument("--broad", action="store_true", help="make up classes that overlap broadly")
    parser.add_argument("--methods", nargs="+", default=default, choices=sorted(methods))
    parser.add_argument("--timeout", type=float, default=1800, help="seconds a method may take")
    parser.add_argument("--child", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.child:
        _measure(methods[options.child], options.vectors, quality)
        return
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "vectors.npy")
        if options.vectors:
            vectors = np.load(options.vectors, mmap_mode="r")[: options.n].astype(np.float32)
        else:
            vectors = (broad if options.broad else clustered)(options.n, options.dim)
        np.save(path, vectors)
        print(f"{vectors.shape[0]:,} x {vectors.shape[1]} vectors, {os.cpu_count()} cores, fresh process each")
        del vectors
        for name in options.methods:
            print(f"{name:<16}", _line(_run(name, path, options.timeout)), flush=True)


def _run(name: str, path: Path, timeout: float) -> dict[str, float] | str:
    command = [sys.executable, sys.argv[0], "--child", name, "--vectors", str(path)]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=timeout, check=False)
    except subprocess.TimeoutExpired:
        return f"not done after {timeout:.0f} s"
    if done.returncode:
        return f"failed: {done.stderr.strip().splitlines()[-1]}"
    return dict(json.loads(done.stdout.strip().splitlines()[-1]))


def _line(measured: dict[str, float] | str) -> str:
    if isinstance(measured, str):
        return measured
    return "  ".join(f"{name} {value:>8.4g}" for name, value in measured.items())


def _measure(method: Method, path: Path, quality: Quality) -> None:
    vectors = np.load(path)
    work = method(vectors)
    wall, cpu = time.perf_counter(), time.process_time()
    result = work()
    measured = {"wall s": time.perf_counter() - wall, "CPU s": time.process_time() - cpu}
    measured["peak GB"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6
    print(json.dumps(measured | quality(vectors, result)))
