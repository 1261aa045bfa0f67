// Everything that was counted and scored → one MultiQC report

include { shell_word } from '../../functions/shell_word'

process REPORT {
    label 'process_report'
    conda "${moduleDir}/environment.yml"

    input:
    path scores
    path genes_summary
    path variants_summary
    path runs, stageAs: 'runs/*' // may be none
    path annotated, stageAs: 'annotated/?.json'
    path bundle
    val params_json // parameters of the run, as JSON text
    val versions_yaml // versions of the tools, as YAML text
    val code_digest

    output:
    path 'multiqc', emit: report
    path 'params.json', emit: params
    path 'versions.yml', emit: versions

    script:
    """
    printf '%s\\n' ${shell_word(params_json)} > params.json
    printf '%s' ${shell_word(versions_yaml)} > versions.yml
    report.py \\
        --output-dir multiqc \\
        --scores ${scores} \\
        --genes-summary ${genes_summary} \\
        --variants-summary ${variants_summary} \\
        --runs ${runs} \\
        --annotated ${annotated} \\
        --bundle ${bundle} \\
        --params params.json \\
        --versions versions.yml \\
        ${task.ext.args ?: ''}
    """

    stub:
    """
    mkdir multiqc
    touch multiqc/multiqc_report.html
    printf '%s\\n' ${shell_word(params_json)} > params.json
    printf '%s' ${shell_word(versions_yaml)} > versions.yml
    """
}
