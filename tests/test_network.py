"""Nothing connects at run time, and loading weights runs no code."""

import json
import re
import subprocess
import sys
from pathlib import Path

WATCHED = """
import sys
from pathlib import Path
folder, phase = Path(sys.argv[1]), ["network"]
NETWORK = (
    "socket.connect", "socket.getaddrinfo", "socket.gethostbyname", "socket.sendto", "socket.bind",
    "urllib.Request",
)
CODE = (
    "compile", "exec", "import", "pickle.find_class", "os.system", "os.exec", "subprocess.Popen",
    "ctypes.dlopen",
)
def watch(event, arguments):
    if event in NETWORK or (phase[0] == "code" and event in CODE):
        print("CAUGHT", event, arguments, flush=True)
        raise RuntimeError(event)
sys.addaudithook(watch)
import json, torch, icnewton
from icnewton.evaluation.measurements.breast_cancer import breast_cancer
from icnewton.evaluation.diabetes import load_diabetes
from icnewton.training.runs import parse_run
from icnewton.training.loop import train
torch.set_num_threads(1)
icnewton.save(icnewton.build("least_squares", d=2, n=5, steps=1, alpha=0.1), folder / "built")
run = parse_run(json.loads(sys.argv[2]))
model, *_ = train(run, checkpoint=folder / "c", code="x", say=lambda line: None)
icnewton.save(model, folder / "learned")
breast_cancer(), load_diabetes()
icnewton.load(folder / "learned")  # whatever is imported at first use
phase[0] = "code"
for name in ("built", "learned"):
    icnewton.load(folder / name)
print("QUIET", flush=True)
phase[0] = "network"
"""


def test_no_network_at_run_time_and_no_code_in_weights(tmp_path, tiny_run):
    """Python's audit events: nothing connects or looks up a host, and loading imports, compiles,
    starts, unpickles nothing.
    """
    short = tiny_run | {"recipe": tiny_run["recipe"] | {"steps": 3, "warmup": 1}}
    command = [sys.executable, "-c", WATCHED, str(tmp_path), json.dumps(short)]
    result = subprocess.run(command, capture_output=True, encoding="utf-8")
    assert "CAUGHT" not in result.stdout and result.stdout.endswith("QUIET\n"), (
        result.stdout + result.stderr
    )


FOREIGN = re.compile(
    r"\bfetch_|urllib|import requests|http\.client"
    r"|torch\.hub|(?<!safetensors\.)torch\.load|import pickle"
)


def test_data_comes_with_the_packages():
    sources = [
        *Path("src").rglob("*.py"),
        *Path("workflow").rglob("*.py"),
        *Path("workflow").rglob("*.smk"),
        Path("Snakefile"),
    ]
    assert not [path for path in sources if FOREIGN.search(path.read_text(encoding="utf-8"))]
