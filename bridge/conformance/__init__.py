"""The conformance kit: golden messages with their decoded values, and a scripted server that plays them.

docs/clients.md says how a client's tests use it. Every client of the project is tested against it, so that "decodes the
protocol" means the same in every language.
"""
