"""Long studies, run now and then; README.md lists them."""

import workflow as workflow  # which refuses to run another checkout's package
