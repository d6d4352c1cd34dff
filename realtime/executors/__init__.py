"""Back ends that run a generator's step; only the torch ones import torch, lazily."""
