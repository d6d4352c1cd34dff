"""Praat TextGrids: one interval tier of words; written in the long format, read in the long and the short one."""

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


_TOKEN = re.compile(r'"((?:[^"]|"")*)"|(?<![\w.])(-?\d+(?:\.\d+)?(?:[eE][-+]?\d+)?)')


def read_textgrid(path: Path) -> tuple[Word, ...]:
    """The words of the tier whose name says so, else of the first one with intervals; empty intervals are left out.

    Raises ValueError for a file of another format.
    """
    text = path.read_bytes().decode("utf-16" if path.read_bytes()[:2] in (b"\xff\xfe", b"\xfe\xff") else "utf-8-sig")
    if "ooTextFile" not in text:
        raise ValueError(f"{path}: expected a Praat TextGrid in text form")
    tiers = _tiers(re.sub(r"(item|intervals|points) \[\d*\]", "", text))
    named = [words for name, words in tiers if "word" in name.lower()]
    if not tiers:
        raise ValueError(f"{path}: expected at least one tier of intervals, found none")
    return named[0] if named else tiers[0][1]


def _tiers(text: str) -> list[tuple[str, tuple[Word, ...]]]:
    """Name and words of each interval tier. Long and short format hold the same numbers and labels in one order."""
    tokens: list[str | float] = [
        float(number) if number else label.replace('""', '"') for label, number in _TOKEN.findall(text)
    ]
    at, found = 5, []  # behind file type, object class, start, stop and the number of tiers
    while at + 5 <= len(tokens):
        kind, name, _, _, count = tokens[at : at + 5]
        width = 3 if kind == "IntervalTier" else 2
        rows = [tokens[at + 5 + width * k : at + 5 + width * (k + 1)] for k in range(int(count))]
        at += 5 + width * int(count)
        if kind == "IntervalTier":
            words = [Word(text=str(r[2]), start_s=float(r[0]), stop_s=float(r[1])) for r in rows if str(r[2]).strip()]
            found.append((str(name), tuple(words)))
    return found
