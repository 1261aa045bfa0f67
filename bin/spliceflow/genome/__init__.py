"""FASTA access, base codes, genes and transcripts."""
