"""Gaussian examples whose covariances all have trace d."""

from icnewton.protocols import Protocol
from icnewton.protocols.parts.spectra import of_trace_d

ENTRIES = {"normalised": Protocol(title="normalised, tr Σ = d", spectra=of_trace_d)}
