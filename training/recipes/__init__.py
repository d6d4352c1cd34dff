"""How each generator is trained."""
