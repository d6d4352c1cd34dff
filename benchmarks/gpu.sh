#!/bin/bash
# All that is to be measured on a graphics card, unattended, in less than ten minutes.
#
#   OUT=results benchmarks/gpu.sh                      on the card; JSON and a table into $OUT
#   OUT=results benchmarks/gpu.sh --device cpu --quick a dry run of the same code where there is none
#
# Needs Python 3.11+, torch 2.11+, numpy, onnxruntime and pytest, no network, and nothing installed of this project.
# CHECKPOINTS names what is measured (default: everything that ships).
set -euo pipefail
cd "$(dirname "$0")/.."
export PYTHONPATH=.types:. OUT="${OUT:-benchmarks/results}"
python="${PYTHON:-python3}"
mkdir -p "$OUT"

# The executors' own tests on this device first: a fast wrong step is worth nothing.
"$python" -m pytest -q -c /dev/null --rootdir . --noconftest --import-mode=importlib -p no:cacheprovider \
    tests/realtime/test_cuda_graph.py 2>&1 | tee "$OUT/gpu-tests.txt" || echo "tests failed: see $OUT/gpu-tests.txt"

# shellcheck disable=SC2086  # several files on purpose
"$python" -m benchmarks.gpu --out "$OUT" ${CHECKPOINTS:+--checkpoints $CHECKPOINTS} "$@"
