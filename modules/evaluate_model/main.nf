// A bundle and test data → top-k accuracy, AUPRC, precision, recall, F1

include { shell_word } from '../../functions/shell_word'

process EVALUATE_MODEL {
    tag "${name}"
    label 'process_scoring'
    conda "${moduleDir}/environment.yml"

    input:
    tuple val(name), path(bundle)
    path test, stageAs: 'test/?'
    val options // [ device, precision ]
    val code_digest

    output:
    path "${name}.evaluation.csv", emit: evaluation
    tuple val("${task.process}"), val('onnxruntime'), eval('python3 -c "import onnxruntime; print(onnxruntime.__version__)"'), topic: versions

    script:
    """
    evaluate_model.py \\
        --bundle ${bundle} \\
        --dataset test/* \\
        --device ${options.device} \\
        --precision ${options.precision} \\
        --threads ${task.cpus} \\
        --name ${shell_word(name)} \\
        --output ${shell_word("${name}.evaluation.csv")} \\
        ${task.ext.args ?: ''}
    """

    stub:
    """
    touch ${shell_word("${name}.evaluation.csv")}
    """
}
