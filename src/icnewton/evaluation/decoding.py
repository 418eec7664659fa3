"""What can be read off an encoder's stream: linear probes of the iterates of algorithms.

A probe is a ridge regression from the residual stream after a layer to an iterate w_t of an
algorithm. It is fitted on half of the covariances and judged on the other half. The stream is taken
at the token where the answer is read, or as its mean over all tokens. Iterates of good algorithms
are alike and are functions of the same prompt, so a probe alone shows nothing. It is held against

- the same encoder before its training, whose stream holds the prompt and nothing learned;
- the mean of y_i a_i over the labels that the encoder sees, to which the first step of gradient
  descent is parallel.

The frame has one row for each source of features, place, layer and iterate:

    source    trained, untrained or labels
    place     answer or mean; moment for labels
    layer     0 is the embedding; -1 for labels
    algorithm, iterate
    r2        the share of the iterates' variance that the probe explains on held-out prompts
    low, high a 95 % interval, over resampled held-out covariances
"""

from collections.abc import Iterator, Mapping, Sequence
from itertools import islice

import numpy as np
import pandas as pd
import torch
from sklearn.linear_model import RidgeCV  # type: ignore[import-untyped]
from sklearn.preprocessing import StandardScaler  # type: ignore[import-untyped]
from torch import Tensor

from icnewton.algorithms import ALGORITHMS
from icnewton.evaluation.statistics import RESAMPLES, interval
from icnewton.models.model import Model
from icnewton.problems.logistic import LogisticCondition, LogisticPrompts

PENALTIES = np.geomspace(1e-9, 1e1, 11)  # for a prompt and features of variance 1
CHUNK = 128  # prompts at a time
Iterates = Mapping[tuple[str, int], np.ndarray]  # (prompts, d) by algorithm and step


def decode(
    models: Mapping[str, Model],
    prompts: LogisticPrompts,
    condition: LogisticCondition,
    algorithms: Mapping[str, Sequence[int]],
) -> pd.DataFrame:
    """The rows of models of one format by their source, and those of the labels' moment."""
    wanted, covariances = iterates(prompts, condition, algorithms), prompts.covariance.numpy()
    tokens = next(iter(models.values())).format.tokens(prompts.x, prompts.y)
    x, y = tokens[..., : prompts.d], tokens[..., prompts.d : prompts.d + 1]  # 0 if hidden
    moment = (y * x).mean(1).numpy()
    words: dict[str, object] = {"source": "labels", "place": "moment", "layer": -1}
    blocks = [probe(moment, wanted, covariances).assign(**words)]
    for source, model in models.items():
        for layer, places in enumerate(streams(model, prompts)):
            for place, features in places.items():
                words = {"source": source, "place": place, "layer": layer}
                blocks.append(probe(features, wanted, covariances).assign(**words))
    return pd.concat(blocks, ignore_index=True)


def iterates(
    prompts: LogisticPrompts,
    condition: LogisticCondition,
    algorithms: Mapping[str, Sequence[int]],
) -> Iterates:
    """The iterates of algorithms after some steps; those after none are 0 and left out."""
    found = {}
    for name, steps in algorithms.items():
        answers = islice(ALGORITHMS[name].answers(prompts, condition), max(steps) + 1)
        for step, w in enumerate(answers):
            if step and step in steps:
                found[name, step] = w.numpy()
    return found


def streams(model: Model, prompts: LogisticPrompts) -> Iterator[dict[str, np.ndarray]]:
    """The stream ``(prompts, width)`` before the first layer and after each, by place, float64."""
    exact = model.to(torch.float64)
    tokens = exact.format.tokens(prompts.x, prompts.y)
    parts = [_places(exact, part) for part in tokens.split(CHUNK)]
    for layer in zip(*parts, strict=True):
        answer, mean = (torch.cat(pieces).numpy() for pieces in zip(*layer, strict=True))
        yield {"answer": answer, "mean": mean}


def _places(model: Model, tokens: Tensor) -> list[tuple[Tensor, Tensor]]:
    found = model.transformer.streams(tokens)
    return [(stream[:, -1], stream.mean(1)) for stream in found]


def probe(features: np.ndarray, wanted: Iterates, covariances: np.ndarray) -> pd.DataFrame:
    """How well features ``(prompts, width)`` give iterates, on the covariances of odd number.

    Those of even number are fitted. Penalties are chosen for each coordinate by leaving one prompt
    out.
    """
    fitted = covariances % 2 == 0
    scaled = StandardScaler().fit(features[fitted]).transform(features)
    targets = np.concatenate([*wanted.values()], axis=1)
    ridge = RidgeCV(PENALTIES * fitted.sum(), alpha_per_target=True)
    ridge.fit(scaled[fitted], targets[fitted])
    held = targets[~fitted]
    left = (held - ridge.predict(scaled[~fitted])) ** 2
    spread = (held - held.mean(0)) ** 2
    clusters = covariances[~fitted]
    return pd.DataFrame(_explained(left, spread, clusters, wanted))


def _explained(
    left: np.ndarray, spread: np.ndarray, clusters: np.ndarray, wanted: Iterates
) -> Iterator[dict[str, object]]:
    """R^2 of each iterate, with its interval, from squares ``(prompts, coordinates)``."""
    groups, place = np.unique(clusters, return_inverse=True)
    shape = (len(groups), len(wanted))
    sums = np.zeros((2, *shape))
    for index, squares in enumerate((left, spread)):
        of_iterates = squares.reshape(len(squares), len(wanted), -1).sum(2)
        np.add.at(sums[index], place, of_iterates)
    source = np.random.default_rng(0)
    chosen = source.multinomial(len(groups), np.full(len(groups), 1 / len(groups)), RESAMPLES)
    whole, resampled = 1 - np.divide(*sums.sum(1)), 1 - np.divide(*(chosen @ sums))
    for index, (algorithm, step) in enumerate(wanted):
        low, high = interval(resampled[:, index])
        words = {"algorithm": algorithm, "iterate": step}
        yield words | {"r2": whole[index], "low": low, "high": high}


def beside(frame: pd.DataFrame) -> pd.DataFrame:
    """One row for each model, place, layer and iterate.

    trained, low, high: R^2 with its interval. untrained, labels: R^2 of what it is held against.
    """
    model = ["method", "step", "seed"]
    iterate = [*model, "algorithm", "iterate"]
    rows = {source: part for source, part in frame.groupby("source")}
    trained = rows["trained"].rename(columns={"r2": "trained"}).drop(columns="source")
    untrained, labels = (
        rows[source][[*keys, "r2"]].rename(columns={"r2": source})
        for source, keys in (("untrained", [*iterate, "place", "layer"]), ("labels", iterate))
    )
    return trained.merge(untrained).merge(labels)
