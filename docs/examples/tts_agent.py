"""A talking agent that can be interrupted, and then knows what it has said.

Sentences are synthesised by espeak-ng, each many times faster than it sounds, and streamed to the avatar with the times
of their words. Somebody interrupts (press Enter, or --simulate-interrupt-s): the avatar falls silent and retracts, and
the transcript, which a language model would be given back as what it has said, ends at the last word that was heard.

    gesturestream serve &
    python docs/examples/tts_agent.py --simulate-interrupt-s 4

Watch it in the viewer, or with any other client: the session is called "agent".
"""

from __future__ import annotations

import asyncio
import re
import sys
from dataclasses import dataclass, field

import tyro

from gesturestream.bridge.client import Avatar, Speech, Word, connect
from gesturestream.models.motion import SAMPLE_RATE
from gesturestream.training.speech.espeak import Prosody, speak

ANSWER = """Let me tell you about the lighthouse. It stands on a rock far out in the bay, and nobody has lived there for
thirty years. Every evening at six o'clock, though, somebody lights the lamp. The fishermen say that it is the old
keeper's daughter. I rowed over once, in a storm, to find out who it really was."""
REPLY = "Oh, I am sorry. Please, go on."


@dataclass(frozen=True)
class Options:
    url: str = "ws://127.0.0.1:8765"
    simulate_interrupt_s: float | None = None
    """Interrupts when so much has been heard; otherwise press Enter while it speaks."""
    voice: str = "en-us"
    """One of `espeak-ng --voices`."""
    text: str = ANSWER


@dataclass
class Transcript:
    """What was said so far: utterances and their words, timed from each utterance's first sample."""

    said: list[tuple[Speech, list[Word]]] = field(default_factory=list)

    def until(self, heard_s: float) -> tuple[str, str]:
        """Splits it at `heard_s` of all the audio sent: (heard, not heard). A word that was begun was heard."""
        heard, unheard = [], []
        for speech, words in self.said:
            limit_s = speech.heard_s(heard_s)
            for word in words:
                (heard if word.start_s < limit_s else unheard).append(word.text)
        return " ".join(heard), " ".join(unheard)


def synthesise(sentence: str, voice: str):
    """Samples at 16 kHz, and the words with their punctuation and times."""
    words = sentence.split()
    spoken = speak(words, [len(word) > 5 for word in words], Prosody(voice=voice))
    return spoken.pcm, [Word(text, word.start_s, word.stop_s) for text, word in zip(words, spoken.words, strict=True)]


async def say(avatar: Avatar, text: str, voice: str, transcript: Transcript) -> None:
    """Sentence by sentence: the first is on its way while the second is synthesised."""
    for sentence in re.split(r"(?<=[.!?])\s+", text.strip()):
        pcm, words = await asyncio.to_thread(synthesise, sentence, voice)
        speech = await avatar.speak(pcm, rate=SAMPLE_RATE, text=sentence, words=words)
        transcript.said.append((speech, words))
        if speech.interrupted:
            return


async def interrupt(avatar: Avatar, after_s: float | None) -> float:
    """Interrupts at a time of the voice, or with Enter. -> seconds of the audio sent that were heard."""
    async for event in avatar.events():
        if event.name == "audio_resumed":  # the voice begins to sound: here a program would start its loudspeaker
            break
    if after_s is not None:
        await asyncio.sleep(after_s)
    else:
        print("(press Enter to interrupt)")
        await asyncio.to_thread(sys.stdin.readline)
    return await avatar.interrupt()  # `say` returns too: what was not sent yet never will be


async def ended(avatar: Avatar) -> None:
    """Returns with the session."""
    async for _ in avatar.events():
        pass


async def main(options: Options) -> None:
    async with connect(options.url, name="agent", mode="agent", frames=False) as avatar:
        transcript = Transcript()
        async with asyncio.TaskGroup() as both:
            both.create_task(say(avatar, options.text, options.voice, transcript))
            interrupting = both.create_task(interrupt(avatar, options.simulate_interrupt_s))
        heard_s = interrupting.result()

        heard, unheard = transcript.until(heard_s)
        print(f"interrupted after {heard_s:.2f} s")
        print(f"heard: {heard}")
        print(f"never heard: {unheard}")
        history = [{"role": "assistant", "content": f"{heard} ..."}]  # what a language model is told it has said

        answer = Transcript()
        await say(avatar, REPLY, options.voice, answer)
        history.append({"role": "assistant", "content": REPLY})
        await avatar.end()
        await ended(avatar)
        print("history:", *history, sep="\n  ")


if __name__ == "__main__":
    asyncio.run(main(tyro.cli(Options, description=__doc__)))
