"""Gaussian examples whose covariances keep the scale that they are drawn with, as in App. D."""

from icnewton.protocols import Protocol
from icnewton.protocols.parts.spectra import uniform

ENTRIES = {
    "unnormalised": Protocol(
        title="unnormalised, λmax ~ U[1, 100]",
        spectra=uniform,
        stream="paper",  # the name under which its published prompts were drawn
    )
}
