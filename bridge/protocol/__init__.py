"""The wire protocol as pure code: no sockets, no clock, no torch. docs/protocol.md is the normative text."""
