"""`make bench`: times of training steps, to bench/ (results, machine and scaling as JSON, and
results.md) and docs/performance.png.

The fast step and the plain one of ``tests/oracles`` are timed alternately in one process, so that a
slow minute of the machine meets both.
"""

import argparse
import platform
import statistics
from datetime import date
from pathlib import Path
from typing import Any

import pandas as pd
import torch
from tests.oracles.plain import plain_step
from tests.oracles.runs import make_run
from tqdm import tqdm

from bench.floor import Machine, floor_milliseconds, measure
from bench.scaling import scaling
from bench.steps import alternate
from icnewton.files import write_json, write_text
from icnewton.training.fast.capture import stepper
from icnewton.training.fast.kernel import compiled
from icnewton.training.fast.memory import keep_freed_memory
from icnewton.training.step import start

HERE = Path(__file__).parent
KINDS = {"lsa": (1, 2, 3, 4, 5, 6), "lsa_ln": (1, 2, 3, 4, 5, 6), "softmax": (1, 2, 4, 6)}


def compare(kind: str, layers: int, rounds: int, device: str) -> dict[str, Any]:
    """One row of the results, without its floor."""
    run = make_run(kind, layers)
    engine, plain = alternate(
        [stepper([run], [start(run, device)]), plain_step(run, device)], rounds, device
    )
    ratios = [p / e for p, e in zip(plain, engine, strict=True)]  # of neighbours in time
    numbers = {"engine_ms": engine, "plain_ms": plain, "ratio": ratios}
    medians = {name: round(statistics.median(seen), 3) for name, seen in numbers.items()}
    return {"kind": kind, "depth": layers, **medians}


def describe(machine: Machine, device: str) -> dict[str, str]:
    """Machine, versions and date, in words."""
    name = torch.cuda.get_device_name() if device == "cuda" else _processor()
    products, copy = (f"{rate / 1e9:.0f}" for rate in (machine.operations, machine.bytes))
    return {
        "machine": f"{name}, {torch.get_num_threads()} threads",
        "rates": f"{products} GFLOP/s float32 matrix products, {copy} GB/s copy",
        "compiled layer": "yes" if compiled() else "no (no C compiler found)",
        "versions": f"torch {torch.__version__}, Python {platform.python_version()}",
        "date": date.today().isoformat(),
    }


def _processor() -> str:
    info = Path("/proc/cpuinfo")
    lines = info.read_text(encoding="utf-8").splitlines() if info.exists() else []
    return next(
        (line.split(":")[1].strip() for line in lines if line.startswith("model name")),
        platform.processor(),
    )


def report(rows: list[dict[str, Any]], facts: dict[str, str]) -> str:
    """Markdown: the facts, the table with a sum for each kind."""
    frame = pd.DataFrame(rows)
    frame["steps a second"] = (1e3 / frame["engine_ms"]).map("{:.1f}".format)
    sums = frame.groupby("kind", sort=False, as_index=False)[
        ["engine_ms", "plain_ms", "floor_ms"]
    ].sum()
    sums["ratio"] = sums["plain_ms"] / sums["engine_ms"]
    sums["depth"], sums["steps a second"] = "sum", ""
    columns = ["kind", "depth", "engine_ms", "plain_ms", "ratio", "floor_ms", "steps a second"]
    table = pd.concat([frame, sums])[columns].to_markdown(index=False, floatfmt=".1f")
    lines = "".join(f"- {name}: {fact}\n" for name, fact in facts.items())
    return f"{lines}\nMilliseconds a step, batch 2000.\n\n{table}\n"


def main() -> None:
    """Time everything that was asked for and write it down."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--device", default="cpu", choices=["cpu", "cuda"])
    parser.add_argument("--rounds", type=int, default=9, help="timings of each step")
    parser.add_argument("--kinds", nargs="+", default=list(KINDS), choices=list(KINDS))
    without = "leave out the plots against n, d, depth and batch"
    parser.add_argument("--no-scaling", action="store_true", help=without)
    options = parser.parse_args()
    keep_freed_memory()
    before = measure(options.device)
    pairs = [(kind, layers) for kind in options.kinds for layers in KINDS[kind]]
    rows = [compare(*pair, options.rounds, options.device) for pair in tqdm(pairs, desc="steps")]
    after = measure(options.device)
    machine = Machine(max(before.operations, after.operations), max(before.bytes, after.bytes))
    for row, pair in zip(rows, pairs, strict=True):
        row["floor_ms"] = round(floor_milliseconds(make_run(*pair), machine), 3)
    facts = describe(machine, options.device)
    text = report(rows, facts)
    print(text)
    suffix = "" if options.device == "cpu" else "_cuda"
    write_json(HERE / f"results{suffix}.json", rows)
    write_json(HERE / f"machine{suffix}.json", facts)
    write_text(HERE / f"results{suffix}.md", text)
    if not options.no_scaling:
        picture = HERE.parent / f"docs/performance{suffix}.png"
        write_json(HERE / f"scaling{suffix}.json", scaling(options.device, picture))


if __name__ == "__main__":
    main()
