// Tracks of all tasks → bigWig, BED and one table

process MERGE_TRACKS {
    label 'process_single'
    conda "${moduleDir}/environment.yml"

    input:
    path tracks, stageAs: 'tracks/*'
    path genome
    val options // [ bed_probability ]
    val code_digest

    output:
    path 'sites', emit: sites
    tuple val("${task.process}"), val('pyBigWig'), eval('python3 -c "import importlib.metadata as m; print(m.version(\'pyBigWig\'))"'), topic: versions

    script:
    """
    merge_tracks.py \\
        --tracks tracks/* \\
        --fasta ${genome} \\
        --bed-probability ${options.bed_probability} \\
        --output-dir sites \\
        ${task.ext.args ?: ''}
    """

    stub:
    """
    mkdir sites
    touch sites/sites.tracks.parquet
    """
}
