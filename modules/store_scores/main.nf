// Scores of a run's shards → one more file in the score store

include { shell_word } from '../../functions/shell_word'

process STORE_SCORES {
    label 'process_single'
    conda "${moduleDir}/environment.yml"

    input:
    path scores, stageAs: 'shards/*' // may be none
    path genome
    path genes
    path bundle
    val options // [ distance, mask, calibrated, precision ]
    tuple val(store), path(store_folder, stageAs: 'store') // address of the store, or its folder if it is local
    val code_digest

    output:
    path 'stored.json', emit: summary
    tuple val("${task.process}"), val('duckdb'), eval('python3 -c "import duckdb; print(duckdb.__version__)"'), topic: versions

    script:
    """
    store_scores.py \\
        --score-store ${store_folder ? 'store' : shell_word(store)} \\
        --scores ${scores} \\
        --fasta ${genome} \\
        --genes ${genes} \\
        --bundle ${bundle} \\
        --distance ${options.distance} \\
        ${options.mask ? '--mask' : ''} ${options.calibrated ? '--calibrated' : ''} \\
        --precision ${options.precision} \\
        --summary stored.json \\
        ${task.ext.args ?: ''}
    """

    stub:
    """
    echo '{}' > stored.json
    """
}
