"""VCF records → unique scorable alleles with a status; shards; annotated VCFs."""
