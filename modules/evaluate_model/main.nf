// A bundle and test data → top-k accuracy, AUPRC, precision, recall, F1

process EVALUATE_MODEL {
    label 'process_scoring'
    conda "${moduleDir}/environment.yml"

    input:
    path bundle
    path test, stageAs: 'test/?'
    val options // [ device, precision ]
    val code_digest

    output:
    path 'evaluation.csv', emit: evaluation
    tuple val("${task.process}"), val('onnxruntime'), eval('python3 -c "import onnxruntime; print(onnxruntime.__version__)"'), topic: versions

    when:
    task.ext.when == null || task.ext.when

    script:
    """
    evaluate_model.py \\
        --bundle ${bundle} \\
        --dataset test/* \\
        --device ${options.device} \\
        --precision ${options.precision} \\
        --threads ${task.cpus} \\
        --output evaluation.csv \\
        ${task.ext.args ?: ''}
    """

    stub:
    """
    touch evaluation.csv
    """
}
