"""Scores of alleles: the table, what it was made with, merging, storing, and writing into VCFs."""
