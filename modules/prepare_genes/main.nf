// Annotation → genes.parquet, one row for each kept transcript, with the contig names of the FASTA

process PREPARE_GENES {
    tag "${species}"
    label 'process_single'
    conda "${moduleDir}/environment.yml"

    input:
    tuple val(species), path(annotation, stageAs: 'input/*'), path(genome) // its name, empty if there is only one
    val options // [ transcripts, biotypes ]
    val code_digest

    output:
    tuple val(species), path('genes.parquet'), emit: genes
    path 'genes.json', emit: summary
    tuple val("${task.process}"), val('pyarrow'), eval('python3 -c "import importlib.metadata as m; print(m.version(\'pyarrow\'))"'), topic: versions

    script:
    """
    prepare_genes.py \\
        --annotation input/* \\
        --fasta ${genome} \\
        --transcripts ${options.transcripts} \\
        --biotypes ${options.biotypes} \\
        --output genes.parquet \\
        --summary genes.json \\
        ${task.ext.args ?: ''}
    """

    stub:
    """
    touch genes.parquet
    echo '{}' > genes.json
    """
}
