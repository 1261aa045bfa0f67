// Scores of teacher and student on the same alleles → how far they agree

process COMPARE_MODELS {
    label 'process_single'
    conda "${moduleDir}/environment.yml"

    input:
    path teacher, stageAs: 'teacher/*'
    path student, stageAs: 'student/*'
    path teacher_runs, stageAs: 'teacher_runs/*'
    path student_runs, stageAs: 'student_runs/*'
    val code_digest

    output:
    path 'agreement.json', emit: agreement
    tuple val("${task.process}"), val('pyarrow'), eval('python3 -c "import importlib.metadata as m; print(m.version(\'pyarrow\'))"'), topic: versions

    script:
    """
    compare_models.py \\
        --teacher-scores teacher/* \\
        --student-scores student/* \\
        --teacher-runs teacher_runs/* \\
        --student-runs student_runs/* \\
        --output agreement.json \\
        ${task.ext.args ?: ''}
    """

    stub:
    """
    echo '{}' > agreement.json
    """
}
