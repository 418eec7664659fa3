"""The encoder of Sec. 6, trained on the minimisers of the logistic loss."""

from icnewton.models.families import Family
from icnewton.models.families.parts.shapes import encoder

ENTRIES = {
    "softmax": Family(
        title="trained encoder", problem="logistic", format="logistic", architecture=encoder
    )
}
