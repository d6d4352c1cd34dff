"""Authored clips that cues are made of, and their files. Torch-free: training makes them, realtime plays them."""
