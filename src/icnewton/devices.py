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
    """The processor and its vector instructions, on which a model's bytes depend."""
    path = Path("/proc/cpuinfo")
    facts = path.read_text(encoding="utf-8", errors="replace") if path.exists() else ""
    found = re.search(r"model name\s*: (.*)", facts)
    name = found.group(1) if found else platform.machine()
    return f"{name}, {torch.backends.cpu.get_cpu_capability()}"
