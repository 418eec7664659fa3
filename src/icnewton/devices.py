"""Where training runs, and what a card says of it."""

import platform
import re
from pathlib import Path

import torch


def resolve(device: str) -> str:
    """``cpu`` or ``cuda``; ``auto`` is a GPU if there is one."""
    if device != "auto":
        return device
    return "cuda" if torch.cuda.is_available() else "cpu"


def processor() -> str:
    """The processor and its vector instructions, on which a model's bytes depend.

    Its family and model are told because a virtual machine may hide its name.
    """
    path = Path("/proc/cpuinfo")
    facts = path.read_text(encoding="utf-8", errors="replace") if path.exists() else ""

    def told(key: str) -> str:
        found = re.search(rf"^{key}\s*: (.*)", facts, re.MULTILINE)
        return found.group(1) if found else ""

    name = told("model name") or platform.machine()
    kind = "-".join(filter(None, (told("cpu family"), told("model"))))
    capability = torch.backends.cpu.get_cpu_capability()
    return ", ".join(filter(None, (name, kind and f"model {kind}", capability)))
