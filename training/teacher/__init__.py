"""The teacher: an offline, rule-based gesture synthesiser that knows the whole utterance."""
