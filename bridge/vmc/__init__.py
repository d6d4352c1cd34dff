"""Frames as the VMC protocol (OSC over UDP): VSeeFace, VNyan, Warudo and whatever else loads a VRM avatar."""

from gesturestream.bridge.vmc.output import VmcOutput, VmcTarget
from gesturestream.bridge.vmc.rig import Rig, own_rig
from gesturestream.bridge.vmc.vrm import load_vrm

__all__ = ["Rig", "VmcOutput", "VmcTarget", "load_vrm", "own_rig"]
