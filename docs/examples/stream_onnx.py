"""Speech in, motion out, with numpy and ONNX Runtime alone: how any program drives an artefact, frame by frame.

python stream_onnx.py audio2gestures.onnx speech.wav motion.npy        16 kHz mono 16 bit -> [frames, 489]
"""

import hashlib
import json
import sys
import wave
from pathlib import Path

import numpy as np
import onnxruntime

artefact, speech, out = map(Path, sys.argv[1:])
session = onnxruntime.InferenceSession(artefact, providers=["CPUExecutionProvider"])
metadata = session.get_modelmeta().custom_metadata_map
about = json.loads(metadata["gesturestream"])
weights = (artefact.parent / about["weights"]["file"]).read_bytes()
assert about["format"] == "gesturestream.onnx.1"
assert hashlib.sha256(weights).hexdigest() == about["weights"]["sha256"], "another checkpoint"

with wave.open(str(speech)) as file:
    pcm = np.frombuffer(file.readframes(file.getnframes()), "<i2").astype(np.float32) / 32768
window, frames = about["generator"]["window_samples"], -(-30 * len(pcm) // 16000)
pcm = np.concatenate([np.zeros(window, np.float32), pcm, np.zeros(534, np.float32)])

inputs = {a["name"]: np.zeros((1, *a["shape"]), a["dtype"]) for a in about["inputs"]}
state = {leaf["name"]: np.zeros((1, *leaf["shape"]), leaf["dtype"]) for leaf in about["state"]}
inputs["audio_present"][:], inputs["intensity"][:], inputs["speaker"][0, 0] = True, 1.0, 1.0
if defaults := about["generator"]["settings"]:
    inputs["settings"][0] = list(defaults.values())
names = [output.name for output in session.get_outputs()]
noise, motion = np.random.default_rng(1), []

for k in range(frames):
    end = -(-16000 * (k + 1) // 30)
    inputs["pcm"][0] = pcm[end : end + window]
    inputs["noise"][0] = noise.standard_normal(inputs["noise"].shape[1])
    after = dict(zip(names, session.run(None, {**inputs, **state})))
    for leaf in about["state"]:
        name, new = leaf["name"], after["next_" + leaf["name"]]
        if leaf["kind"] != "appended":
            continue
        before, slots = state[leaf["count"]][0], state[name].shape[1] - 1
        if after["next_" + leaf["count"]][0] > before:
            state[name][0, before % slots] = new[0, 0]
    state |= {a["name"]: after["next_" + a["name"]] for a in about["state"] if a["kind"] != "appended"}
    if after["valid"][0]:
        inputs["emitted"] = after["motion"]
        motion.append(after["motion"][0])
np.save(out, np.stack(motion))
