"""Settings for the whole suite."""

from __future__ import annotations

import os
from collections.abc import Generator
from typing import TypeVar

import pytest
from hypothesis import HealthCheck, settings

# No test measures time, Hypothesis' deadline included: a busy machine is no defect. Continuous integration tries the
# same examples every time, so that what fails there failed because of a change; elsewhere new ones are looked for.
settings.register_profile(
    "gesturestream", deadline=None, derandomize="CI" in os.environ, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("gesturestream")

OUTSIDE_WORLD = ("browser", "virtual_microphone")
"""Marks of tests that other people's programs take part in: a browser or a sound server may be starved on two cores."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """A test of the outside world may be tried three times; one that is really broken fails three times."""
    for item in items:
        if any(item.get_closest_marker(name) for name in OUTSIDE_WORLD):
            item.add_marker(pytest.mark.flaky(reruns=2))


OPTIONAL = "optional:"
"""How the reason of a skip begins that is fine everywhere, continuous integration included."""

Report = TypeVar("Report", pytest.TestReport, pytest.CollectReport)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, pytest.TestReport]:
    return without_excuse((yield))


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report() -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
    return without_excuse((yield))


def without_excuse(report: Report) -> Report:
    """Where everything must run ($GESTURESTREAM_REQUIRE_ALL), a skip for want of something is a failure."""
    if os.environ.get("GESTURESTREAM_REQUIRE_ALL") and report.skipped and not hasattr(report, "wasxfail"):
        reason = report.longrepr[2].removeprefix("Skipped: ") if isinstance(report.longrepr, tuple) else ""
        if not reason.startswith(OPTIONAL):
            report.outcome, report.longrepr = "failed", f"skipped where everything must run: {reason}"
    return report
