"""`make bench`: times of training steps, to results.json, results.md and scaling.json in bench/ and docs/performance.png.

Engine and plain step are timed alternately in one process, so that a slow minute of the machine meets both.
"""

import argparse
import platform
import statistics
import time
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import pandas as pd
import torch
from tqdm import tqdm

from bench.floor import Machine, floor_milliseconds, measure
from bench.plain import plain_step
from bench.scaling import scaling
from icnewton.classification import LogisticCondition
from icnewton.files import write_json, write_text
from icnewton.prompts import Condition
from icnewton.training.capture import EAGER_STEPS, stepper
from icnewton.training.engine import start
from icnewton.training.fused import compiled
from icnewton.training.memory import keep_freed_memory
from icnewton.training.runs import Recipe, Run

HERE = Path(__file__).parent
WARM_UP = EAGER_STEPS + 2  # a recorded step is first made eagerly, then recorded
PAUSE = 0.02  # seconds, for the threads of the step before to stop spinning
KINDS = {"lsa": (1, 2, 3, 4, 5, 6), "lsa_ln": (1, 2, 3, 4, 5, 6), "softmax": (1, 2, 4, 6)}
LINEAR = Recipe(
    width=64, heads=4, head_dim=16, hidden_width=0, mean_attention=True, query_as_key=False, activation_clip=None,
    embedding_gain=1.0, output_gain=0.5, steps=1000, batch=2000, prompts_per_covariance=2000, learning_rate=1e-3,
    matrix_rate=None, matrix_momentum=0.95, warmup=100, betas=(0.9, 0.98), gradient_clip=1.0, curriculum=None,
)  # fmt: skip
ENCODER = Recipe(**{**vars(LINEAR), "width": 32, "head_dim": 8, "hidden_width": 128, "query_as_key": True})


def make_run(kind: str, layers: int, d: int = 10, n: int = 50, batch: int = 2000) -> Run:
    """A run of the paper's sizes, d and n of the linear half apart; all prompts of a batch share a covariance, as in App. D."""
    softmax = kind == "softmax"
    condition = LogisticCondition("bounded", 5, 26, 10.0, 0.1) if softmax else Condition("normalised", d, n, 10.0, 0.0)
    recipe = ENCODER if softmax else LINEAR
    recipe = Recipe(**{**vars(recipe), "batch": batch, "prompts_per_covariance": batch})
    return Run(kind, condition, layers, 0, recipe)  # type: ignore[arg-type]


def alternate(steps: list[Callable[[], object]], rounds: int, device: str) -> list[list[float]]:
    """Milliseconds of each step in each of ``rounds``, timed in turn, after warm-ups."""
    times: list[list[float]] = [[] for _ in steps]
    warm_up = WARM_UP if device == "cuda" else 1
    for _ in range(rounds + warm_up):
        for step, seen in zip(steps, times, strict=True):
            time.sleep(PAUSE)
            begun = time.perf_counter()
            step()
            if device == "cuda":
                torch.cuda.synchronize()
            seen.append(1e3 * (time.perf_counter() - begun))
    return [seen[warm_up:] for seen in times]


def compare(kind: str, layers: int, rounds: int, device: str) -> dict[str, Any]:
    """One row of the results, without its floor."""
    run = make_run(kind, layers)
    engine, plain = alternate([stepper([run], [start(run, device)]), plain_step(run, device)], rounds, device)
    numbers = {
        "engine_ms": statistics.median(engine),
        "plain_ms": statistics.median(plain),
        "ratio": statistics.median(p / e for p, e in zip(plain, engine, strict=True)),  # of neighbours in time
    }
    return {"kind": kind, "depth": layers, **{name: round(number, 3) for name, number in numbers.items()}}


def describe(machine: Machine, device: str) -> dict[str, str]:
    """Machine, versions and date, in words."""
    name = torch.cuda.get_device_name() if device == "cuda" else _processor()
    return {
        "machine": f"{name}, {torch.get_num_threads()} threads",
        "rates": f"{machine.operations / 1e9:.0f} GFLOP/s float32 matrix products, {machine.bytes / 1e9:.0f} GB/s copy",
        "compiled layer": "yes" if compiled() else "no (no C compiler found)",
        "versions": f"torch {torch.__version__}, Python {platform.python_version()}",
        "date": date.today().isoformat(),
    }


def _processor() -> str:
    info = Path("/proc/cpuinfo")
    lines = info.read_text().splitlines() if info.exists() else []
    return next((line.split(":")[1].strip() for line in lines if line.startswith("model name")), platform.processor())


def report(rows: list[dict[str, Any]], facts: dict[str, str]) -> str:
    """Markdown: the facts, the table with a sum for each kind."""
    frame = pd.DataFrame(rows)
    frame["steps a second"] = (1e3 / frame["engine_ms"]).map("{:.1f}".format)
    sums = frame.groupby("kind", sort=False, as_index=False)[["engine_ms", "plain_ms", "floor_ms"]].sum()
    sums["ratio"], sums["depth"], sums["steps a second"] = sums["plain_ms"] / sums["engine_ms"], "sum", ""
    columns = ["kind", "depth", "engine_ms", "plain_ms", "ratio", "floor_ms", "steps a second"]
    table = pd.concat([frame, sums])[columns].to_markdown(index=False, floatfmt=".1f")
    return "".join(f"- {name}: {fact}\n" for name, fact in facts.items()) + f"\nMilliseconds a step, batch 2000.\n\n{table}\n"


def main() -> None:
    """Time everything that was asked for and write it down."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--device", default="cpu", choices=["cpu", "cuda"])
    parser.add_argument("--rounds", type=int, default=9, help="timings of each step")
    parser.add_argument("--kinds", nargs="+", default=list(KINDS), choices=list(KINDS))
    parser.add_argument("--no-scaling", action="store_true", help="leave out the plots against n, d, depth and batch")
    options = parser.parse_args()
    keep_freed_memory()
    before = measure(options.device)
    pairs = [(kind, layers) for kind in options.kinds for layers in KINDS[kind]]
    rows = [compare(*pair, options.rounds, options.device) for pair in tqdm(pairs, desc="steps")]
    after = measure(options.device)
    machine = Machine(max(before.operations, after.operations), max(before.bytes, after.bytes))
    for row, pair in zip(rows, pairs, strict=True):
        row["floor_ms"] = round(floor_milliseconds(make_run(*pair), machine), 3)
    text = report(rows, describe(machine, options.device))
    print(text)
    suffix = "" if options.device == "cpu" else "_cuda"
    write_json(HERE / f"results{suffix}.json", rows)
    write_text(HERE / f"results{suffix}.md", text)
    if not options.no_scaling:
        picture = HERE.parent / f"docs/performance{suffix}.png"
        write_json(HERE / f"scaling{suffix}.json", scaling(make_run, alternate, options.device, picture))


if __name__ == "__main__":
    main()
