"""Runs of the paper's sizes."""

from icnewton.problems.linear import LinearCondition
from icnewton.problems.logistic import LogisticCondition
from icnewton.training.recipe import Recipe
from icnewton.training.runs import Run

LINEAR = Recipe(
    width=64,
    heads=4,
    head_dim=16,
    hidden_width=0,
    mean_attention=True,
    query_as_key=False,
    activation_clip=None,
    embedding_gain=1.0,
    output_gain=0.5,
    steps=1000,
    batch=2000,
    prompts_per_covariance=2000,
    learning_rate=1e-3,
    matrix_rate=None,
    matrix_momentum=0.95,
    warmup=100,
    betas=(0.9, 0.98),
    gradient_clip=1.0,
    curriculum=None,
)
ENCODER = Recipe(
    **{**vars(LINEAR), "width": 32, "head_dim": 8, "hidden_width": 128, "query_as_key": True}
)


def make_run(kind: str, layers: int, d: int = 10, n: int = 50, batch: int = 2000) -> Run:
    """A run of the paper's sizes, d and n of the linear half apart; all prompts of a batch share a
    covariance, as in App. D.
    """
    if kind == "softmax":
        condition, recipe = LogisticCondition("bounded", 5, 26, 10.0, 0.1), ENCODER
    else:
        condition, recipe = LinearCondition("normalised", d, n, 10.0, 0.0), LINEAR
    recipe = Recipe(**{**vars(recipe), "batch": batch, "prompts_per_covariance": batch})
    return Run(kind, condition, layers, 0, recipe)
