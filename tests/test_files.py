"""Files of every stage: a value that cannot be written leaves the old file, and one that cannot be
read is named.
"""

from itertools import product
from pathlib import Path

import pandas as pd
import pytest
import torch

from icnewton.files import read_tables, write_json, write_table, write_text
from icnewton.problems.linear import LinearCondition, LinearPrompts, sample
from icnewton.problems.logistic import LogisticPrompts
from icnewton.problems.parts.prompts import read_prompts, write_prompts
from icnewton.randomness import generator

TABLE = pd.DataFrame(
    {
        "method": ["lsa", "newton2"] * 500,
        "error": torch.rand(1000, generator=generator("table")).tolist(),
    }
)


def test_tables_come_back_as_they_were(tmp_path):
    paths = [tmp_path / "a.csv", str(tmp_path / "b.parquet")]
    for path in paths:
        write_table(Path(path), TABLE)
    assert read_tables(paths).equals(pd.concat([TABLE, TABLE], ignore_index=True))


@pytest.mark.parametrize("paths", [[], iter(())])
def test_no_tables_are_refused(paths):
    with pytest.raises(ValueError, match="tables: expected at least one file, found none"):
        read_tables(paths)


@pytest.mark.parametrize(
    ("suffix", "damage"),
    [
        *product(
            ("csv", "parquet"), ("missing", "a folder", "emptied", "cut short", "other bytes")
        ),
        ("parquet", "one bit changed"),  # in a CSV file nothing tells; records have its digest
    ],
)
def test_a_damaged_table_is_named(tmp_path, suffix, damage):
    path = tmp_path / f"table.{suffix}"
    write_table(path, TABLE)
    whole = path.read_bytes()
    flipped = whole[:300] + bytes([whole[300] ^ 1]) + whole[301:]
    damaged = {
        "emptied": b"",
        "cut short": whole[: len(whole) // 2],
        "other bytes": b"\xff\xfe\x00\n",
        "one bit changed": flipped,
    }
    path.unlink()
    if damage == "a folder":
        path.mkdir()
    elif damage != "missing":
        path.write_bytes(damaged[damage])
    with pytest.raises(ValueError, match=rf"^{path}: expected a table, found [^\n]+$"):
        read_tables([path])


@pytest.mark.parametrize(
    ("name", "write", "value"),
    [
        ("a.json", write_json, {"a": {1, 2}}),
        ("a.txt", write_text, "half \ud800"),
        ("a.csv", write_table, pd.DataFrame({"a": ["half", "\ud800"]}, dtype=object)),
        ("a.parquet", write_table, pd.DataFrame({"a": [1, "two", {}]})),
        ("a.md", write_table, pd.DataFrame({"a": ["\ud800"]}, dtype=object)),
        ("a.xlsx", write_table, TABLE),
        ("a.safetensors", write_prompts, None),
    ],
)
def test_what_cannot_be_written_leaves_the_old_file(tmp_path, name, write, value):
    path = tmp_path / name
    path.write_bytes(b"old")
    with pytest.raises((TypeError, ValueError)):
        write(path, value)
    assert path.read_bytes() == b"old" and [*tmp_path.iterdir()] == [path]


@pytest.mark.parametrize("content", [None, b"", b"{}", "cut short", "others"])
def test_damaged_prompts_are_named(tmp_path, content):
    path = tmp_path / "prompts.safetensors"
    write_prompts(
        path, sample(LinearCondition("unnormalised", 3, 9, 5.0, 0.1), 2, 2, generator("p"))
    )
    assert read_prompts(LinearPrompts, path).x.shape == (4, 10, 3)
    kind = LogisticPrompts if content == "others" else LinearPrompts
    if content is None:
        path.unlink()
    elif content != "others":
        path.write_bytes(path.read_bytes()[:-8] if content == "cut short" else content)
    with pytest.raises(
        ValueError, match=rf"^{path}: expected prompts, tensors x, y, [^\n]*, found [^\n]+$"
    ):
        read_prompts(kind, path)
