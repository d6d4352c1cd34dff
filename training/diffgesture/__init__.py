"""How DiffGesture learns: denoising first; a student of fewer steps from what that has learned."""
