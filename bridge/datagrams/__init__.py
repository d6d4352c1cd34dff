"""Sessions sent as datagrams to programs that know other protocols than ours."""

from gesturestream.bridge.datagrams.output import DatagramOutput
from gesturestream.bridge.datagrams.sender import DatagramSender, Encoder
from gesturestream.bridge.datagrams.target import Target

__all__ = ["DatagramOutput", "DatagramSender", "Encoder", "Target"]
