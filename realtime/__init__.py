"""Audio sources, sessions, the model thread, executors, motion finishing; imports models only."""
