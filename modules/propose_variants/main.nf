// Held-out genes → alleles on which student and teacher are compared

process PROPOSE_VARIANTS {
    label 'process_single'
    conda "${moduleDir}/environment.yml"

    input:
    path genome
    path genes
    val options // [ held_out_one_in ]
    val code_digest

    output:
    path 'proposed.parquet', emit: shard
    tuple val("${task.process}"), val('pyarrow'), eval('python3 -c "import importlib.metadata as m; print(m.version(\'pyarrow\'))"'), topic: versions

    script:
    """
    propose_variants.py \\
        --fasta ${genome} \\
        --genes ${genes} \\
        --held-out-one-in ${options.held_out_one_in} \\
        --output proposed.parquet \\
        ${task.ext.args ?: ''}
    """

    stub:
    """
    touch proposed.parquet
    """
}
