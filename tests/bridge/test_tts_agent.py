"""The example of an agent, as its page says to start it, against the real server."""

import importlib.util
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from gesturestream.bridge.server import running_server
from gesturestream.realtime.engine import Engine
from tests.bridge.toy import LoudnessExecutor

EXAMPLE = Path(__file__).parents[2] / "docs" / "examples" / "tts_agent.py"
SENTENCES = (
    "One two three four five six seven eight nine ten. Eleven twelve thirteen fourteen fifteen sixteen. The end."
)


def word_starts_s():
    """When each word sounds, if the sentences follow each other without a pause."""
    spec = importlib.util.spec_from_file_location("tts_agent", EXAMPLE)
    agent = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = agent  # dataclasses look their module up
    spec.loader.exec_module(agent)
    begin_s, starts_s = 0.0, []
    for sentence in re.split(r"(?<=\.) ", SENTENCES):
        pcm, words = agent.synthesise(sentence, agent.Options.voice)
        starts_s += [begin_s + word.start_s for word in words]
        begin_s += len(pcm) / 16000
    return starts_s


@pytest.mark.skipif(shutil.which("espeak-ng") is None, reason="needs espeak-ng")
def test_the_transcript_ends_where_the_voice_was_cut():
    with Engine({"loudness": LoudnessExecutor()}, default="loudness") as engine, running_server(engine) as url:
        command = [sys.executable, EXAMPLE, "--url", url, "--text", SENTENCES, "--simulate-interrupt-s", "2.5"]
        done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    said = dict(re.findall(r"^([a-z ]+): (.*)$", done.stdout, re.MULTILINE))
    heard, unheard = said["heard"].split(), said["never heard"].split()
    assert [*heard, *unheard] == SENTENCES.split()[: len(heard) + len(unheard)]  # nothing is lost or said twice
    heard_s = float(re.search(r"interrupted after ([\d.]+) s", done.stdout)[1])
    starts_s = word_starts_s()
    at_least, at_most = (sum(start_s < heard_s + slack_s for start_s in starts_s) for slack_s in (-0.01, 0.01))
    assert heard_s >= 2.5 and at_least <= len(heard) <= at_most
    assert len(heard) + len(unheard) == len(starts_s)  # all of it had been sent long before
    assert "Please, go on." in done.stdout.splitlines()[-1]
