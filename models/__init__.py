"""Streaming generators and the bricks they are made of; imports nothing else of this project."""
