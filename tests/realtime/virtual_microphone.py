"""A microphone without a sound card: PulseAudio with a null sink whose monitor PortAudio opens as a capture device."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from ctypes.util import find_library
from pathlib import Path
from queue import Queue
from threading import Thread
from typing import Any

import numpy as np
from numpy.typing import NDArray

RATE_HZ = 44100
"""PortAudio's native rate for an ALSA plug-in device: nothing resamples between `play` and the capture."""
PROGRAMS = {"pulseaudio": "pulseaudio", "pactl": "pulseaudio-utils", "paplay": "pulseaudio-utils"}
PLUGIN_PATTERN = "libasound_module_pcm_pulse.so"
ASOUNDRC = """
pcm.!default { type pulse device virtmic hint { show on description "virtmic" } }
pcm.virtmic { type pulse device virtmic hint { show on description "virtmic" } }
ctl.!default { type pulse }
"""


def missing_packages() -> list[str]:
    """Debian packages that a virtual microphone needs and this machine lacks."""
    missing = {package for program, package in PROGRAMS.items() if not shutil.which(program)}
    if not find_library("portaudio"):
        missing.add("libportaudio2")
    if not any(Path("/usr/lib").rglob(PLUGIN_PATTERN)):
        missing.add("libasound2-plugins")
    return sorted(missing)


class VirtualMicrophone:
    """A sound server of its own in `folder`; `environment` is what a capturing process needs to hear it.

    PortAudio reads the environment when it starts, so captures run in a subprocess. Works as root and without dbus.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        runtime = folder / "runtime"
        runtime.mkdir(mode=0o700, parents=True)
        asoundrc = folder / "asoundrc"
        asoundrc.write_text(ASOUNDRC)
        self.socket = runtime / "native"
        self.environment = dict(os.environ) | {
            "HOME": str(folder),
            "XDG_RUNTIME_DIR": str(runtime),
            "PULSE_RUNTIME_PATH": str(runtime),
            "PULSE_STATE_PATH": str(folder / "state"),
            "PULSE_COOKIE": str(folder / "cookie"),
            "PULSE_SERVER": f"unix:{self.socket}",
            "ALSA_CONFIG_PATH": f"/usr/share/alsa/alsa.conf:{asoundrc}",
        }
        self._server: subprocess.Popen[bytes] | None = None

    def plug_in(self) -> None:
        """Starts the sound server and waits until it answers; RuntimeError with its log when it does not."""
        with (self.folder / "pulseaudio.log").open("ab") as log:
            self._server = subprocess.Popen(self._server_command(), env=self.environment, stdout=log, stderr=log)
        deadline = time.monotonic() + 60
        while not self._answers():
            if time.monotonic() > deadline or self._server.poll() is not None:
                raise RuntimeError((self.folder / "pulseaudio.log").read_text())
            time.sleep(0.1)

    def unplug(self) -> None:
        """Kills the sound server, as pulling a USB microphone would end its stream."""
        if self._server:
            self._server.kill()
            self._server.wait()
        self.socket.unlink(missing_ok=True)

    def freeze(self) -> None:
        """Stops the sound server where it stands: its clients' streams stay open and give nothing."""
        assert self._server
        self._server.send_signal(signal.SIGSTOP)

    def thaw(self) -> None:
        """Lets a frozen sound server go on."""
        assert self._server
        self._server.send_signal(signal.SIGCONT)

    def play(self, wav: Path) -> None:
        """Plays `wav` into the microphone; returns when it has been heard."""
        subprocess.run(["paplay", "--latency-msec=200", str(wav)], env=self.environment, check=True, timeout=120)

    def _answers(self) -> bool:
        sources = subprocess.run(["pactl", "list", "short", "sources"], env=self.environment, capture_output=True)
        return b"virtmic" in sources.stdout

    def _server_command(self) -> list[str]:
        modules = (
            f"module-native-protocol-unix auth-anonymous=1 socket={self.socket}",
            f"module-null-sink sink_name=speaker rate={RATE_HZ} channels=1 format=s16le",
            "module-remap-source source_name=virtmic master=speaker.monitor",
        )
        loads = [argument for module in modules for argument in ("-L", module)]
        options = ("--daemonize=no", "--exit-idle-time=-1", "--use-pid-file=no", "--disallow-exit")
        return ["pulseaudio", "-n", *options, *loads]


class Listener:
    """`capture.py`, or another program of its kind, in a process that hears the virtual microphone."""

    def __init__(self, microphone: VirtualMicrophone, device: str, program: str = "capture.py") -> None:
        self.heard = microphone.folder / "heard.npz"
        self._words: Queue[str] = Queue()
        self._process = subprocess.Popen(
            [sys.executable, str(Path(__file__).with_name(program)), device, str(self.heard)],
            env=microphone.environment,
            stdout=subprocess.PIPE,
            text=True,
        )
        self._reader = Thread(target=self._read)
        self._reader.start()

    def wait_for(self, word: str) -> None:
        """Waits for the next word the capture says, which must be `word`."""
        said = self._words.get(timeout=60)
        assert said == word, f"expected the capture to say {word!r}, got {said!r}"

    def stop(self) -> Mapping[str, NDArray[Any]]:
        """Ends the program; the arrays that it left."""
        self._process.terminate()
        assert self._process.wait(timeout=60) == 0
        self._reader.join()
        with np.load(self.heard) as heard:
            return dict(heard)

    def kill(self) -> None:
        self._process.kill()
        self._process.wait()
        self._reader.join()

    def _read(self) -> None:
        assert self._process.stdout
        with self._process.stdout as lines:
            for line in lines:
                self._words.put(line.strip())
        self._words.put("(end)")
