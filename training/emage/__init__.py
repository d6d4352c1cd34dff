"""How EMAGE learns: its VQ-VAEs and global motion first, then the masked audio gesture transformer."""
