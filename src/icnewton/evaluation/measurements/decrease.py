"""Figure 10's functions on grids, with their enclosures."""

from icnewton.evaluation.measurements import Measurement
from icnewton.theory.decrease import decrease_frame

ENTRIES = {"decrease": Measurement(decrease_frame)}
