// Names of Python packages → true if they are installed, so that no work is done in vain

process CHECK_PACKAGES {
    tag "${packages.join(' ')}"
    label 'process_dataset'
    conda "${moduleDir}/environment.yml"

    input:
    val packages // names, as they are imported
    val code_digest

    output:
    val true, emit: ready
    tuple val("${task.process}"), val('python'), eval('python3 -c "import platform; print(platform.python_version())"'), topic: versions

    script:
    """
    check_packages.py ${packages.join(' ')}
    """

    stub:
    """
    """
}
