"""Options that several commands share."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from gesturestream.cli.command import UsageError, asked_for
from gesturestream.models.motion import EMOTIONS, LOOKAHEADS

if TYPE_CHECKING:
    from gesturestream.bridge.datagrams import DatagramOutput, Encoder
    from gesturestream.bridge.server.config import ServerConfig
    from gesturestream.realtime.config import Mode, SessionConfig

TOKEN_VARIABLE = "GESTURESTREAM_TOKEN"


@dataclass(frozen=True, kw_only=True)
class VoiceOptions:
    """How the body moves."""

    generator: str | None = None
    """Which generator moves the body (default: the first one that has a checkpoint)."""
    emotion: str = "auto"
    """`auto` hears it in the voice; a name, or weights such as happiness=0.7,surprise=0.3."""
    speaker: int = 0
    """Whose style of moving, an index."""
    intensity: float = 1.0
    """How large the movements are, 0 to 2."""
    seed: int | None = None
    """The same seed gives the same motion (default: random)."""
    lookahead_frames: int = 0
    """Frames of audio heard ahead of the pose: 0, 2, 4 or 8."""

    def session(self, *, name: str, mode: Mode, audio_rate: int = 16000) -> SessionConfig:
        """The session these options ask for; UsageError names an option out of range."""
        from gesturestream.realtime.config import SessionConfig

        if not 0 <= self.intensity <= 2:
            raise UsageError(f"--intensity: expected 0 to 2, got {self.intensity:g}")
        if self.lookahead_frames not in LOOKAHEADS:
            raise UsageError(f"--lookahead-frames: expected one of {list(LOOKAHEADS)}, got {self.lookahead_frames}")
        return SessionConfig(
            name=name,
            mode=mode,
            audio_rate=audio_rate,
            generator=self.generator,
            speaker=self.speaker,
            emotion=parse_emotion(self.emotion),
            intensity=self.intensity,
            seed=self.seed,
            lookahead_frames=self.lookahead_frames,
        )


def parse_emotion(text: str) -> dict[str, float] | None:
    """`auto` -> None; `anger` -> {"anger": 1}; `anger=0.7,fear=0.3` -> those weights, summing to 1."""
    if text == "auto":
        return None
    weights: dict[str, float] = {}
    for part in text.split(","):
        name, _, weight = part.partition("=")
        if name.strip() not in EMOTIONS:
            raise UsageError(f"--emotion: expected auto or one of {', '.join(EMOTIONS)}, got {name.strip()!r}")
        weights[name.strip()] = _weight(weight) if weight else 1.0
    total = sum(weights.values())
    if total <= 0:
        raise UsageError(f"--emotion: expected a weight above 0, got {text!r}")
    return {name: weight / total for name, weight in weights.items()}


def _weight(text: str) -> float:
    try:
        weight = float(text)
    except ValueError:
        weight = -1.0
    if not 0 <= weight < float("inf"):
        raise UsageError(f"--emotion: expected a weight such as 0.7, got {text!r}")
    return weight


@dataclass(frozen=True, kw_only=True)
class ModelOptions:
    """Which weights."""

    checkpoint: Path | None = None
    """A checkpoint that `gesturestream train` wrote, in the place of the one that ships."""
    executor: Literal["auto", "eager", "onnx", "aoti", "cuda-graph", "tensorrt"] = "auto"
    """What runs it (docs/executors.md); auto: the fastest that works here, and why."""


@dataclass(frozen=True, kw_only=True)
class ListenOptions:
    """Where the server listens and who may connect."""

    host: str = "127.0.0.1"
    """Address to listen on; one that others can reach requires a token."""
    port: int = 8765
    """TCP port; 0 takes a free one."""
    token: str | None = None
    """What clients must present in their first message (default: $GESTURESTREAM_TOKEN)."""
    tls_cert: Path | None = None
    """PEM certificate chain: serve wss:// and https://."""
    tls_key: Path | None = None
    """PEM private key of the certificate."""
    allow_origin: tuple[str, ...] = ()
    """Further web origins that may connect, such as https://example.org."""
    allow_host: tuple[str, ...] = ()
    """Further names this server is reached by."""
    max_sessions: int | None = None
    """How many avatars at once (default: what the generator's batch holds)."""
    forward_audio: bool = False
    """Let watchers hear a microphone session."""
    cues: tuple[Path, ...] = ()
    """Further gestures to offer: a file that `gesturestream cue make` wrote, or a folder of them."""

    @property
    def secret(self) -> str | None:
        """The token, from the option or the environment."""
        return self.token or os.environ.get(TOKEN_VARIABLE) or None

    def config(self) -> ServerConfig:
        """The server's configuration; UsageError where it would not be safe."""
        from gesturestream.bridge.server.config import ServerConfig

        with asked_for():
            return ServerConfig(
                host=self.host,
                port=self.port,
                token=self.secret,
                tls_cert=self.tls_cert,
                tls_key=self.tls_key,
                allow_origin=self.allow_origin,
                allow_host=self.allow_host,
                max_sessions=self.max_sessions,
                forward_audio=self.forward_audio,
            )


@dataclass(frozen=True, kw_only=True)
class SendOptions:
    """Programs that receive avatars in their own protocols."""

    vmc: tuple[str, ...] = ()
    """Send VMC (VSeeFace, VNyan, Warudo, ...) to HOST:PORT, such as 127.0.0.1:39539; given again, the second avatar
    goes to the second one."""
    vmc_vrm: Path | None = None
    """The .vrm that the VMC receiver shows: its bones, proportions and expressions are what is sent."""
    vmc_face: Literal["auto", "arkit", "vrm0", "vrm1", "none"] = "auto"
    """Names of expressions: `auto` takes the 52 of ARKit where the .vrm has them, else VRM 0's (A, I, U, ...)."""
    live_link_face: tuple[str, ...] = ()
    """Send the face to HOST:PORT as the app Live Link Face does, such as 127.0.0.1:11111 (Unreal)."""

    def outputs(self) -> list[DatagramOutput]:
        """What sends. UsageError names what cannot be used."""
        if self.vmc_vrm is not None and not self.vmc:
            raise UsageError("--vmc-vrm: give --vmc HOST:PORT as well, to say where its motion is sent")
        return [output for output in (self._vmc(), self._live_link_face()) if output is not None]

    def _vmc(self) -> DatagramOutput | None:
        if not self.vmc:
            return None
        from gesturestream.bridge.vmc import VMC_PORT, VmcEncoder, load_vrm, make_face, own_rig

        with asked_for(hint=" (--vmc-vrm)"):
            rig = load_vrm(self.vmc_vrm) if self.vmc_vrm is not None else own_rig()
        face = make_face(self.vmc_face, rig.shapes)
        return _sending("--vmc", self.vmc, VMC_PORT, lambda _: VmcEncoder(rig, face))

    def _live_link_face(self) -> DatagramOutput | None:
        if not self.live_link_face:
            return None
        from gesturestream.bridge.live_link_face import LIVE_LINK_FACE_PORT, LiveLinkFaceEncoder

        def encoder(number: int) -> LiveLinkFaceEncoder:
            return LiveLinkFaceEncoder("GestureStream" + (f"{number + 1}" if number else ""))

        return _sending("--live-link-face", self.live_link_face, LIVE_LINK_FACE_PORT, encoder)


def _sending(option: str, texts: tuple[str, ...], port: int, encoder: Callable[[int], Encoder]) -> DatagramOutput:
    """A sender for each address; `encoder` is given its number."""
    from gesturestream.bridge.datagrams import DatagramOutput, DatagramSender, Target

    with asked_for(hint=f" ({option})"):
        targets = [Target.parse(text, port) for text in texts]
    try:
        return DatagramOutput([DatagramSender(target, encoder(number)) for number, target in enumerate(targets)])
    except OSError as error:
        raise UsageError(f"{option}: {', '.join(texts)}: {error.strerror or error}") from error
