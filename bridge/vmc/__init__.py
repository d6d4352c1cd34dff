"""Frames as the VMC protocol (OSC over UDP): VSeeFace, VNyan, Warudo and whatever else loads a VRM avatar."""

from gesturestream.bridge.vmc.encoder import VMC_PORT, VmcEncoder
from gesturestream.bridge.vmc.face import FaceKind, make_face
from gesturestream.bridge.vmc.rig import Rig, own_rig
from gesturestream.bridge.vmc.vrm import load_vrm

__all__ = ["VMC_PORT", "FaceKind", "Rig", "VmcEncoder", "load_vrm", "make_face", "own_rig"]
