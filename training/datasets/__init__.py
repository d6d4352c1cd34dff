"""Readers of corpora: BEAT2's layout, Trinity's BVH, TED's skeletons and AMASS, each to clips of this project."""
