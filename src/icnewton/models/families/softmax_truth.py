"""The encoder of Sec. 6, trained on the weights that made the labels."""

from icnewton.models.families import Family
from icnewton.models.families.parts.shapes import encoder

ENTRIES = {
    "softmax_truth": Family(
        title="trained on true weights",
        problem="logistic",
        format="logistic",
        architecture=encoder,
        target="w",
        recipes="softmax",
    )
}
