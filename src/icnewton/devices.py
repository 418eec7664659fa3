"""Where training runs, and what a card says of it."""

import platform
import re
from pathlib import Path

import torch


def resolve(device: str) -> str:
    """``cpu`` or ``cuda``: what ``device`` says, ``auto`` being a GPU where there is one."""
    if device != "auto":
        return device
    return "cuda" if torch.cuda.is_available() else "cpu"


def processor() -> str:
    """The processor and its vector instructions, by which a card says where its bytes come from."""
    facts = Path("/proc/cpuinfo")
    found = re.search(
        r"model name\s*: (.*)",
        facts.read_text(encoding="utf-8", errors="replace") if facts.exists() else "",
    )
    return f"{found.group(1) if found else platform.machine()}, {torch.backends.cpu.get_cpu_capability()}"
