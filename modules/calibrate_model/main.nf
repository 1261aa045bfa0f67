// A bundle and validation data → its temperature, with reliability before and after

process CALIBRATE_MODEL {
    label 'process_scoring'
    conda "${moduleDir}/environment.yml"

    input:
    path bundle
    path validation, stageAs: 'validation/?'
    val options // [ device ]
    val code_digest

    output:
    path 'calibration.json', emit: calibration
    tuple val("${task.process}"), val('onnxruntime'), eval('python3 -c "import onnxruntime; print(onnxruntime.__version__)"'), topic: versions

    script:
    """
    calibrate_model.py \\
        --bundle ${bundle} \\
        --dataset validation/* \\
        --device ${options.device} \\
        --threads ${task.cpus} \\
        --output calibration.json \\
        ${task.ext.args ?: ''}
    """

    stub:
    """
    echo '{}' > calibration.json
    """
}
