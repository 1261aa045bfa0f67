// Scores of all substitutions of a region → table and heat map

include { shell_word } from '../../functions/shell_word'

process DRAW_MUTAGENESIS {
    label 'process_single'
    conda "${moduleDir}/environment.yml"

    input:
    path scores
    val region // contig:start-end
    val code_digest

    output:
    path 'mutagenesis', emit: mutagenesis
    tuple val("${task.process}"), val('pyarrow'), eval('python3 -c "import importlib.metadata as m; print(m.version(\'pyarrow\'))"'), topic: versions

    script:
    """
    draw_mutagenesis.py \\
        --scores ${scores} \\
        --title ${shell_word(region)} \\
        --output-dir mutagenesis \\
        ${task.ext.args ?: ''}
    """

    stub:
    """
    mkdir mutagenesis
    touch mutagenesis/region.mutagenesis.tsv mutagenesis/region.mutagenesis.html
    """
}
