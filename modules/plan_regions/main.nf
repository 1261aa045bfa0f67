// A genome, regions of it or its genes → tasks of PREDICT_TRACKS

include { shell_word } from '../../functions/shell_word'

process PLAN_REGIONS {
    label 'process_single'
    conda "${moduleDir}/environment.yml"

    input:
    path genome
    path genes // may be none: then by region
    path bed, stageAs: 'bed/*' // regions as a file, may be none
    val options // [ regions (as text: contig:start-end), strand, bases_per_task ]
    val code_digest

    output:
    path 'regions/regions_*.tsv', emit: regions
    tuple val("${task.process}"), val('pyarrow'), eval('python3 -c "import importlib.metadata as m; print(m.version(\'pyarrow\'))"'), topic: versions

    script:
    def chosen = genes ? "--genes ${genes}" : bed ? "--regions ${bed}" : options.regions ? "--regions ${shell_word(options.regions)}" : ''
    """
    plan_regions.py \\
        --fasta ${genome} \\
        ${chosen} \\
        --strand ${options.strand} \\
        --bases-per-task ${options.bases_per_task} \\
        --output-dir regions \\
        ${task.ext.args ?: ''}
    """

    stub:
    """
    mkdir regions
    touch regions/regions_00001.tsv
    """
}
