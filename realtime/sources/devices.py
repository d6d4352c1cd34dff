"""Capture devices by name, and PortAudio itself, whose list of devices is only as fresh as its last start."""

from __future__ import annotations

from dataclasses import dataclass
from types import ModuleType


class AudioDeviceError(RuntimeError):
    """No such microphone, or it cannot be opened; the message says what exists or what to do."""


@dataclass(frozen=True, kw_only=True)
class AudioDevice:
    """One capture device as PortAudio sees it."""

    index: int
    """PortAudio's number; changes when devices come and go."""
    name: str
    host_api: str
    """ALSA, Core Audio, Windows WASAPI, ..."""
    channels: int
    """Most input channels."""
    rate: int
    """Native rate, Hz."""
    is_default: bool

    def __str__(self) -> str:
        mark = " (default)" if self.is_default else ""
        return f"{self.index}: {self.name}, {self.host_api}, {self.channels} in, {self.rate} Hz{mark}"


def portaudio() -> ModuleType:
    """The `sounddevice` module; AudioDeviceError names the package to install where the library is missing."""
    try:
        import sounddevice
    except OSError as error:  # not ImportError: the Python package is there, the shared library is not
        raise AudioDeviceError(
            f"PortAudio is missing ({error}). On Debian or Ubuntu: apt-get install libportaudio2"
        ) from error
    module: ModuleType = sounddevice
    return module


def restart_portaudio() -> None:
    """Looks for devices afresh. PortAudio lists them once, when it starts; ends every open stream of the process."""
    module = portaudio()
    try:
        while module._initialized:
            module._terminate()
        module._initialize()
    except module.PortAudioError as error:
        raise AudioDeviceError(f"PortAudio does not start: {error}") from error


def list_devices() -> tuple[AudioDevice, ...]:
    """Every device that can capture, in PortAudio's order; AudioDeviceError without PortAudio."""
    module = portaudio()
    apis, default = module.query_hostapis(), module.default.device[0]
    return tuple(
        AudioDevice(
            index=index,
            name=device["name"],
            host_api=apis[device["hostapi"]]["name"],
            channels=device["max_input_channels"],
            rate=round(device["default_samplerate"]),
            is_default=index == default,
        )
        for index, device in enumerate(module.query_devices())
        if device["max_input_channels"] > 0
    )


def find_device(wanted: int | str | None = None) -> AudioDevice:
    """The device of that index or name (None: the default one); AudioDeviceError lists what exists.

    A number in a string is an index; a name may be a part of the device's name, in any case. Among several that match
    the one of exactly that name wins, then the default one, then the first.
    """
    if isinstance(wanted, str) and wanted.isdecimal():
        wanted = int(wanted)
    devices = list_devices()
    matches = [device for device in devices if _matches(device, wanted)]
    if not matches:
        raise AudioDeviceError(_not_found(wanted, devices))
    return max(matches, key=lambda device: (device.name == wanted, device.is_default))


def _matches(device: AudioDevice, wanted: int | str | None) -> bool:
    if wanted is None:
        return device.is_default
    if isinstance(wanted, int):
        return device.index == wanted
    return wanted.casefold() in device.name.casefold()


def _not_found(wanted: int | str | None, devices: tuple[AudioDevice, ...]) -> str:
    what = "a default microphone" if wanted is None else f"microphone {wanted!r}"
    if not devices:
        return f"expected {what}, but there is no capture device at all: is one plugged in, does the sound server run?"
    return "\n  ".join([f"expected {what}, got these devices:", *map(str, devices)])
