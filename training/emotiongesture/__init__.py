"""How EmotionGesture learns."""
