"""The WebSocket and HTTP server."""

from gesturestream.bridge.server.app import BridgeServer, Local, PortInUse, serve
from gesturestream.bridge.server.config import ServerConfig
from gesturestream.bridge.server.thread import running_server

__all__ = ["BridgeServer", "Local", "PortInUse", "ServerConfig", "running_server", "serve"]
