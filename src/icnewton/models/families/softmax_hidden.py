"""The encoder of Sec. 6 as the paper's runs asked it: the last label is hidden.

The last token answers with the minimiser of the logistic loss of all labels, its own among them.
"""

from functools import partial

from icnewton.models.families import Family
from icnewton.models.families.parts.shapes import encoder

ENTRIES = {
    "softmax_hidden": Family(
        title="trained encoder, last label hidden",
        problem="logistic",
        format="hidden_label",
        architecture=partial(encoder, marked=False),
        recipes="softmax",
    )
}
