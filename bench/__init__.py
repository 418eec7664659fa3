"""Speed: what a training step costs beside the plain way of writing it and beside the least it
could cost.
"""

import workflow as workflow  # which refuses to run another checkout's package
