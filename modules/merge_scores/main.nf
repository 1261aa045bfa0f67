// Scores of all shards and the unscored alleles → one sorted table

process MERGE_SCORES {
    label 'process_single'
    conda "${moduleDir}/environment.yml"

    input:
    path scores, stageAs: 'shards/*' // may be none
    path unscored
    path genome
    val code_digest

    output:
    path 'scores.parquet', emit: scores
    path 'merged.json', emit: summary
    tuple val("${task.process}"), val('duckdb'), eval('python3 -c "import importlib.metadata as m; print(m.version(\'duckdb\'))"'), topic: versions

    script:
    """
    merge_scores.py \\
        --scores ${scores} \\
        --unscored ${unscored} \\
        --fasta ${genome} \\
        --output scores.parquet \\
        --summary merged.json \\
        ${task.ext.args ?: ''}
    """

    stub:
    """
    touch scores.parquet
    echo '{}' > merged.json
    """
}
