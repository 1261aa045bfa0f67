// One shard → delta scores of its alleles

process SCORE_VARIANTS {
    tag "${shard.baseName}"
    label 'process_scoring'
    conda "${moduleDir}/environment.yml"

    input:
    path shard
    path genome
    path genes
    path bundle
    val options // [ distance, mask, calibrated, device, engine, precision, batch_size ]
    val code_digest

    output:
    tuple val(shard.baseName), path("${shard.baseName}.scores.parquet"), emit: scores
    tuple val(shard.baseName), path("${shard.baseName}.run.json"), emit: summary
    tuple val("${task.process}"), val('onnxruntime'), eval('python3 -c "import onnxruntime; print(onnxruntime.__version__)"'), topic: versions

    script:
    """
    score_variants.py \\
        --shard ${shard} \\
        --fasta ${genome} \\
        --genes ${genes} \\
        --bundle ${bundle} \\
        --distance ${options.distance} \\
        ${options.mask ? '--mask' : ''} ${options.calibrated ? '--calibrated' : ''} \\
        --device ${options.device} \\
        --engine ${options.engine} \\
        --precision ${options.precision} \\
        --batch-size ${options.batch_size} \\
        --threads ${task.cpus} \\
        --output ${shard.baseName}.scores.parquet \\
        --summary ${shard.baseName}.run.json \\
        ${task.ext.args ?: ''}
    """

    stub:
    """
    touch ${shard.baseName}.scores.parquet
    echo '{}' > ${shard.baseName}.run.json
    """
}
