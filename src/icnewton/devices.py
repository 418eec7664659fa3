"""Where training runs."""

import torch


def resolve(device: str) -> str:
    """``cpu`` or ``cuda``: what ``device`` says, ``auto`` being a GPU where there is one."""
    if device != "auto":
        return device
    return "cuda" if torch.cuda.is_available() else "cpu"
