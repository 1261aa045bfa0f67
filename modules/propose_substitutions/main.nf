// A region → every substitution of it

include { shell_word } from '../../functions/shell_word'

process PROPOSE_SUBSTITUTIONS {
    label 'process_single'
    conda "${moduleDir}/environment.yml"

    input:
    path genome
    path genes
    val region // contig:start-end
    val code_digest

    output:
    path 'substitutions.parquet', emit: shard
    tuple val("${task.process}"), val('pyarrow'), eval('python3 -c "import importlib.metadata as m; print(m.version(\'pyarrow\'))"'), topic: versions

    script:
    """
    propose_substitutions.py \\
        --fasta ${genome} \\
        --genes ${genes} \\
        --region ${shell_word(region)} \\
        --output substitutions.parquet \\
        ${task.ext.args ?: ''}
    """

    stub:
    """
    touch substitutions.parquet
    """
}
