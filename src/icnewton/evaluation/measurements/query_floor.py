"""The floor of the mean error where the query is among the keys, by the length of the prompt."""

from typing import Annotated

import pandas as pd

from icnewton.evaluation.measurements import Measurement
from icnewton.problems.linear import LinearCondition
from icnewton.theory.query_floor import query_floor
from icnewton.typed import Within

Examples = Annotated[int, Within(4, 100_000)]


def floors(
    n: Annotated[tuple[Examples, ...], "Numbers of examples."],
    prompts: Annotated[int, Within(2, 1_000_000), "Prompts of each."],
    directions: Annotated[int, Within(2, 1_000_000), "Directions of the query for each prompt."],
    d: Annotated[int, Within(2, 100)] = 10,
    kappa: Annotated[float, Within(1, 1e12)] = 10.0,
) -> pd.DataFrame:
    """Floor and level with their standard errors, for each n."""
    rows = []
    for count in n:
        condition = LinearCondition("normalised", d, count, kappa, 0.0)
        found = query_floor(condition, prompts, directions)
        rows.append({"d": d, "n": count, "kappa": kappa} | found._asdict())
    return pd.DataFrame(rows)


def refused(n: tuple[int, ...], d: int = 10, **others: object) -> list[str]:
    """Prompts too short for the law of the query."""
    short = [count for count in n if count <= d + 1]
    return [f"n: expected more than d + 1 = {d + 1}, found {short[0]}"] if short else []


CAPTION = (
    "Mean squared error over tr Sigma that no linear attention whose query is among its keys goes "
    "below, at any depth (floor), and what the best constant factor leaves (level), with the "
    "standard errors of both means."
)
ENTRIES = {"query_floor": Measurement(floors, ("normalised",), CAPTION, refused)}
