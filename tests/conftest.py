"""Settings for the whole suite."""

from __future__ import annotations

import os

from hypothesis import HealthCheck, settings

# No test measures time, Hypothesis' deadline included: a busy machine is no defect. Continuous integration tries the
# same examples every time, so that what fails there failed because of a change; elsewhere new ones are looked for.
settings.register_profile(
    "gesturestream", deadline=None, derandomize="CI" in os.environ, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("gesturestream")
