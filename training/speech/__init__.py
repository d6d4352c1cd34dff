"""Speech for the corpus: synthetic voices with exact word, phoneme and stress times, and prominence in real voices."""
