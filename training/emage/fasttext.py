"""Starts word embeddings from a real fastText file (Bojanowski et al. 2017), such as `wiki-news-300d-1M.vec`.

The stream hashes n-grams into a table of its own size, so that no file of gigabytes travels with a checkpoint: the
table is fitted so that the mean of a word's n-grams comes as near as it can to the file's vector of that word, seen
along the file's principal components. Words that are not in the file get what their n-grams have in common with those.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from gesturestream.models.emage.content_rhythm import WordEmbedding
from gesturestream.models.words import BUCKETS, word_ids

MOST_WORDS = 30000
"""Read from the start of the file: they are sorted by how often they are used."""
SPREAD = 0.3
"""Deviation of the embeddings, as where they start without a file."""
_RIDGE = 1e-2

Floats = NDArray[np.float32]


def read_vectors(path: Path, most: int = MOST_WORDS) -> tuple[list[str], Floats]:
    """Words and vectors [W, D] of a fastText text file. ValueError names the line that is not as it should be."""
    if path.suffix == ".bin":
        raise ValueError(f"{path}: expected fastText's text format, got its binary one; take the .vec file beside it")
    words, rows = [], []
    with path.open(encoding="utf-8", errors="replace") as file:
        header = file.readline().split()
        if len(header) != 2 or not all(field.isdigit() for field in header):
            got = " ".join(header)[:60]
            raise ValueError(f"{path}: expected a first line of two numbers (words, dimensions), got {got!r}")
        size = int(header[1])
        for number, line in enumerate(file, start=2):
            word, _, values = line.rstrip().partition(" ")
            row = np.array(values.split(), np.float32)
            if len(row) != size:
                raise ValueError(f"{path}, line {number}: expected {size} numbers after the word, got {len(row)}")
            if word_ids(word).any():
                words.append(word)
                rows.append(row)
            if len(words) == most:
                break
    if not words:
        raise ValueError(f"{path}: expected words, found none")
    return words, np.stack(rows)


@torch.no_grad()
def start_from_fasttext(embedding: WordEmbedding, path: Path) -> float:
    """Fits the embedding's table; returns the share of the vectors' variance that it explains, 0..1."""
    words, vectors = read_vectors(path)
    wanted = _principal(vectors, embedding.table.embedding_dim)
    uses = np.zeros((len(words), BUCKETS), np.float32)
    for i, word in enumerate(words):
        ids = word_ids(word)
        ids = ids[ids > 0]
        np.add.at(uses[i], ids, 1.0 / len(ids))
    table = np.linalg.solve(uses.T @ uses + _RIDGE * np.eye(BUCKETS, dtype=np.float32), uses.T @ wanted)
    embedding.table.weight.copy_(torch.from_numpy(table))
    return float(1.0 - np.square(uses @ table - wanted).sum() / np.square(wanted).sum())


def _principal(vectors: Floats, size: int) -> Floats:
    """[W, D] -> [W, size] along the largest principal components, of deviation SPREAD; zeros where there are fewer."""
    centred = vectors - vectors.mean(0)
    _, directions = np.linalg.eigh(centred.T @ centred)
    along = centred @ directions[:, ::-1][:, :size]
    out = np.zeros((len(vectors), size), np.float32)
    out[:, : along.shape[1]] = along
    scaled: Floats = (SPREAD * out / (out.std() + 1e-9)).astype(np.float32)
    return scaled
