"""Bad and hostile checkpoints: 100 at random, refused in words or rightly taken."""

import os
from collections import Counter

import pytest
import torch
from hostile import change, damage_bytes, fuzz, header, plain, with_header
from hypothesis import given
from hypothesis import strategies as st

from icnewton.training.checkpoint import load_checkpoint, save_checkpoint
from icnewton.training.fast.step import advance
from icnewton.training.runs import parse_run
from icnewton.training.step import start


def test_100_damaged_checkpoints(tmp_path, tiny_run):
    run, path, counts = parse_run(tiny_run), tmp_path / "checkpoint.safetensors", Counter()
    state = start(run, "cpu")
    advance(run, state)
    save_checkpoint(path, state, [(1.0, 1.0, 1.0, 1.0, 1.0)], run, "x")
    content = path.read_bytes()

    @fuzz(100)
    @given(st.data())
    def check(data):
        if data.draw(st.booleans()):
            values, rest = header(content)
            change(data, values, plain)
            path.write_bytes(with_header(values, rest))
        else:
            path.write_bytes(damage_bytes(data, content, [b"{}"]))
        fresh = start(run, "cpu")
        try:
            log = load_checkpoint(path, fresh, run, "x")
        except ValueError as error:
            assert (
                type(error) is ValueError
                and str(error).startswith(str(path))
                and len(str(error)) < 1000
            )
            counts["refused"] += 1
        else:
            counts["accepted"] += 1
            assert log == [(1.0,) * 5] and fresh.step == 1
            weights = fresh.transformer.state_dict()
            assert all(
                torch.equal(weight, weights[name])
                for name, weight in state.transformer.state_dict().items()
            )

    check()
    print(f"\ndamaged checkpoints: {dict(counts)}")
    assert counts["refused"] > 50


def test_a_pipe_is_no_checkpoint(tmp_path, tiny_run):
    run = parse_run(tiny_run)
    os.mkfifo(tmp_path / "checkpoint")
    with pytest.raises(
        ValueError, match="checkpoint: expected a checkpoint, found something that is not a file"
    ):
        load_checkpoint(tmp_path / "checkpoint", start(run, "cpu"), run, "x")
