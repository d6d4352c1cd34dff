"""The queue towards one client: order, bounds, flags, and the rule about acknowledgements."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gesturestream.bridge.protocol.codes import Limits
from gesturestream.bridge.protocol.frames import HEADER_BYTES, unpack_header
from gesturestream.bridge.protocol.layout import FrameFormat
from gesturestream.bridge.protocol.reader_queue import Close, ReaderQueue, SharedFrame
from gesturestream.realtime.frame import AudioChunk, Frame, FrameFlag

FORM = FrameFormat(expressions=0, blendshapes=False)


def frame(index, flags=0):
    return SharedFrame(
        Frame(
            index=index,
            epoch=0,
            flags=FrameFlag(flags),
            media_time_s=index / 30,
            server_time_s=0.0,
            root_m=np.zeros(3, np.float32),
            quat_xyzw=np.zeros((55, 4), np.float32),
            expressions=np.zeros(100, np.float32),
            blendshapes=np.zeros(52, np.float32),
            contacts=np.zeros(4, np.float32),
        )
    )


def audio(seconds, at_s=0.0):
    return AudioChunk(media_time_s=at_s, epoch=0, pcm=np.zeros(round(16000 * seconds), np.float32))


def pop(queue):
    item = queue.pop()
    return item(0.0) if callable(item) else item


def drain(queue):
    """Everything that may be sent now: text as it is, binary as (kind, sequence, flags)."""
    out = []
    while (message := pop(queue)) is not None:
        if isinstance(message, bytes):
            header = unpack_header(message)
            message = ("frame" if header.kind == 1 else "audio", header.sequence, header.flags)
        out.append(message)
    return out


def a_queue(form=FORM, **options):
    return ReaderQueue(form, Limits(), **options)


def test_text_and_media_keep_their_order():
    queue = a_queue(audio=True)
    queue.put_text("a")
    queue.put_frame(frame(0))
    queue.put_audio(audio(0.1))
    queue.put_text(lambda now_s: f"made at {now_s}")
    queue.put_close(1000, "bye")
    assert drain(queue) == ["a", ("frame", 0, 0), ("audio", 0, 0), "made at 0.0", Close(1000, "bye")]


def test_the_oldest_frames_go_and_the_next_says_so():
    queue = a_queue()
    for k in range(20):
        queue.put_frame(frame(k))
        queue.put_text(f"event {k}")
    sent = drain(queue)
    assert [m for m in sent if isinstance(m, str)] == [f"event {k}" for k in range(20)]
    assert [m for m in sent if m[0] == "frame"] == [("frame", 4, 16), *(("frame", k, 0) for k in range(5, 20))]
    assert queue.dropped == 4


def test_a_dropped_discontinuity_is_told_with_the_next_frame():
    queue = a_queue()
    queue.put_frame(frame(0, flags=1))
    for k in range(1, 17):
        queue.put_frame(frame(k, flags=2))
    assert drain(queue)[0] == ("frame", 1, 1 | 2 | 16)


def test_a_reader_that_comes_later_starts_with_a_discontinuity():
    queue = a_queue(mid_stream=True)
    queue.put_frame(frame(100))
    queue.put_frame(frame(101))
    assert drain(queue) == [("frame", 100, 1), ("frame", 101, 0)]


def test_a_lossless_queue_drops_nothing_and_says_when_it_is_full():
    queue = a_queue(lossless=True)
    for k in range(Limits().backlog_frames):
        assert not queue.full
        queue.put_frame(frame(k))
    assert queue.full and not queue.drained
    assert [sequence for _, sequence, _ in drain(queue)] == list(range(Limits().backlog_frames))
    assert queue.drained


def test_at_most_two_seconds_of_audio_wait():
    queue = a_queue(audio=True)
    for k in range(25):
        queue.put_audio(audio(0.1, at_s=k / 10))
    assert drain(queue) == [("audio", 5, 1), *(("audio", k, 0) for k in range(6, 25))]


def test_who_did_not_ask_gets_neither_audio_nor_frames():
    queue = a_queue(form=None)
    queue.put_frame(frame(0))
    queue.put_audio(audio(0.1))
    queue.put_text("event")
    assert drain(queue) == ["event"]


def test_a_reader_that_never_acks_is_never_held():
    queue = a_queue()
    for k in range(200):
        queue.put_frame(frame(k))
        assert drain(queue) == [("frame", k, 0)]


def test_a_reader_that_stops_acking_is_held_and_then_gets_the_newest_frame():
    queue = a_queue(audio=True)
    queue.put_frame(frame(0))
    drain(queue)
    queue.acknowledge(0)
    sent = []
    for k in range(1, 60):
        queue.put_frame(frame(k))
        queue.put_text(f"event {k}")
        sent += drain(queue)
    frames = [m for m in sent if m[0] == "frame"]
    assert [sequence for _, sequence, _ in frames] == list(
        range(1, 32)
    )  # more than 30 unacknowledged: the 31st was sent
    assert [m for m in sent if isinstance(m, str)] == [f"event {k}" for k in range(1, 60)]

    queue.acknowledge(31)

    assert drain(queue) == [("frame", 59, 16)]


def test_the_first_ack_counts_what_was_sent_before_it():
    queue = a_queue()
    for k in range(50):
        queue.put_frame(frame(k))
        drain(queue)
    queue.acknowledge(5)
    queue.put_frame(frame(50))
    assert drain(queue) == []
    queue.acknowledge(49)
    assert drain(queue) == [("frame", 50, 0)]


def test_a_reader_that_lets_too_much_text_wait_is_closed():
    queue = a_queue(audio=True)
    for k in range(Limits().queue_texts):
        queue.put_text(str(k))
    assert pop(queue) == "0"  # what was sent makes place for the next
    queue.put_text("fits")
    queue.put_frame(frame(0))
    queue.put_text("one too many")
    queue.put_text("and more")
    (close,) = drain(queue)
    assert close.code == 4430 and queue.dropped == 1 and len(queue) == 0


def test_a_resumed_connection_gets_what_waited():
    former, queue = a_queue(), a_queue(form=FrameFormat(), mid_stream=True)
    former.put_text("event")
    former.put_text(lambda now_s: "pong of the old connection")
    for k in range(20):
        former.put_frame(frame(k))
    queue.take_over(former)
    sent = drain(queue)
    assert sent[0] == "event"
    assert sent[1] == ("frame", 4, 1 | 16)
    assert len(sent) == 17 and drain(former) == []


def test_readers_of_one_format_share_the_encoding():
    shared = frame(3)
    plain, dropped = shared.message(FORM, 0), shared.message(FORM, 16)
    assert plain[HEADER_BYTES:] == dropped[HEADER_BYTES:]
    assert (unpack_header(plain).flags, unpack_header(dropped).flags) == (0, 16)


operations = st.lists(st.sampled_from(["frame", "audio", "text", "pop", "ack"]), max_size=200)


@pytest.mark.parametrize("lossless", [True, False])
@given(operations)
def test_whatever_happens_text_is_complete_and_sequences_rise(lossless, what):
    queue = a_queue(audio=True, lossless=lossless)
    texts, sent, k = 0, [], 0
    for step in what:
        if step == "frame":
            queue.put_frame(frame(k))
            k += 1
        elif step == "audio":
            queue.put_audio(audio(0.3))
        elif step == "text":
            queue.put_text(str(texts))
            texts += 1
        elif step == "ack":
            queue.acknowledge(k)
        elif (message := pop(queue)) is not None:
            sent.append(message)
    queue.acknowledge(k)
    while (message := pop(queue)) is not None:
        sent.append(message)
    headers = [unpack_header(m) for m in sent if isinstance(m, bytes)]
    poses = [h for h in headers if h.kind == 1]
    assert [m for m in sent if isinstance(m, str)] == [str(i) for i in range(texts)]
    assert [h.sequence for h in poses] == sorted({h.sequence for h in poses})
    assert len(poses) + queue.dropped == k
    for before, after in pairwise(poses):
        assert (after.sequence == before.sequence + 1) == (after.flags & 16 == 0)
