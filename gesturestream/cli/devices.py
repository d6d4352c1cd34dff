"""`gesturestream devices`: the microphones that `live` and `demo --mic` can use."""

from __future__ import annotations

from dataclasses import dataclass

from gesturestream.cli.command import EXIT_FAILED, EXIT_OK, Command


@dataclass(frozen=True, kw_only=True)
class Devices(Command):
    """Lists the microphones that `live --device` accepts, by number or part of the name."""

    def run(self) -> int:
        from gesturestream.realtime.sources.devices import list_devices

        devices = list_devices()
        for device in devices:
            print(device)
        if not devices:
            print("No microphone found: is one plugged in, is the sound server running?")
        return EXIT_OK if devices else EXIT_FAILED
