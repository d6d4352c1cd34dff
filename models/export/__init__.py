"""Generators' steps as artefacts that runtimes without torch can drive. `artefact` imports neither torch nor onnx."""
