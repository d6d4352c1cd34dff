"""Praat TextGrids: one interval tier of words."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

from gesturestream.training.speech.speech import Word


def write_textgrid(path: Path, words: Sequence[Word], seconds: float) -> None:
    """Writes tier `words` in Praat's long format, pauses as empty intervals."""
    rows = _intervals(words, seconds)
    lines = [
        'File type = "ooTextFile"', 'Object class = "TextGrid"', "", "xmin = 0", f"xmax = {seconds:.6f}",
        "tiers? <exists>", "size = 1", "item []:", "    item [1]:", '        class = "IntervalTier"',
        '        name = "words"', "        xmin = 0", f"        xmax = {seconds:.6f}",
        f"        intervals: size = {len(rows)}",
    ]  # fmt: skip
    for k, (start, stop, text) in enumerate(rows, start=1):
        quoted = text.replace('"', '""')
        lines += [
            f"        intervals [{k}]:",
            f"            xmin = {start:.6f}",
            f"            xmax = {stop:.6f}",
            f'            text = "{quoted}"',
        ]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")


def _intervals(words: Sequence[Word], seconds: float) -> list[tuple[float, float, str]]:
    """Words and the pauses between them, without gap or overlap."""
    rows: list[tuple[float, float, str]] = []
    at = 0.0
    for word in words:
        start, stop = max(word.start_s, at), min(word.stop_s, seconds)
        if stop - start < 1e-4:
            continue
        if start - at > 1e-4:
            rows.append((at, start, ""))
        rows.append((start if start - at > 1e-4 else at, stop, word.text))
        at = stop
    if seconds - at > 1e-4:
        rows.append((at, seconds, ""))
    return rows


_INTERVAL = re.compile(r'xmin = ([\d.]+)\s+xmax = ([\d.]+)\s+text = "((?:[^"]|"")*)"')


def read_textgrid(path: Path) -> tuple[Word, ...]:
    """The words of the first tier; empty intervals are left out. Raises ValueError for another format."""
    text = path.read_text(encoding="utf-8")
    if "ooTextFile" not in text:
        raise ValueError(f"{path}: expected a Praat TextGrid in long format")
    tier = re.split(r"item \[\d+\]:", text)[1]
    return tuple(
        Word(text=label.replace('""', '"'), start_s=float(start), stop_s=float(stop))
        for start, stop, label in _INTERVAL.findall(tier)
        if label.strip()
    )
