"""The wire: protocol, server, recorders, clients; imports realtime and models."""
