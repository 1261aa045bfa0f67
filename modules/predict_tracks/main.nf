// Regions or genes → probabilities of acceptor and donor at their bases

process PREDICT_TRACKS {
    tag "${regions.baseName}"
    label 'process_scoring'
    conda "${moduleDir}/environment.yml"

    input:
    path regions
    path genome
    path genes // may be none
    path bundle
    val options // [ min_probability, calibrated, device, precision ]
    val code_digest

    output:
    path "${regions.baseName}.tracks.parquet", emit: tracks
    tuple val("${task.process}"), val('onnxruntime'), eval('python3 -c "import onnxruntime; print(onnxruntime.__version__)"'), topic: versions

    script:
    """
    predict_tracks.py \\
        --regions ${regions} \\
        --fasta ${genome} \\
        ${genes ? "--genes ${genes}" : ''} \\
        --bundle ${bundle} \\
        --min-probability ${options.min_probability} ${options.calibrated ? '--calibrated' : ''} \\
        --device ${options.device} \\
        --precision ${options.precision} \\
        --threads ${task.cpus} \\
        --output ${regions.baseName}.tracks.parquet \\
        ${task.ext.args ?: ''}
    """

    stub:
    """
    touch ${regions.baseName}.tracks.parquet
    """
}
