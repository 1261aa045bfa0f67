// One input file and the scores → the same file with scores and statuses in INFO, indexed

include { shell_word } from '../../functions/shell_word'

process ANNOTATE_VCF {
    tag "${name}"
    label 'process_annotation'
    cpus { vcf.size() < 100000000 ? 1 : 4 } // a large file is divided among processes
    conda "${moduleDir}/environment.yml"

    input:
    tuple val(name), path(vcf, stageAs: 'vcf/*')
    path scores
    path spellings
    path genes
    path genome
    path bundle
    val options // [ distance, mask, calibrated, decimals ]
    val code_digest

    output:
    tuple val(name), path('annotated/*.vcf.gz'), path('annotated/*.vcf.gz.{tbi,csi}', arity: '0..*'), emit: vcf // no index of an unsorted file
    tuple val(name), path('annotated.json'), emit: summary
    tuple val("${task.process}"), val('pysam'), eval('python3 -c "import importlib.metadata as m; print(m.version(\'pysam\'))"'), topic: versions

    script:
    """
    annotate_vcf.py \\
        --vcf vcf/* \\
        --name=${shell_word(name)} \\
        --scores ${scores} \\
        --spellings ${spellings} \\
        --genes ${genes} \\
        --fasta ${genome} \\
        --bundle ${bundle} \\
        --distance ${options.distance} \\
        ${options.mask ? '--mask' : ''} ${options.calibrated ? '--calibrated' : ''} \\
        --decimals ${options.decimals} \\
        --threads ${task.cpus} \\
        --output ${shell_word("annotated/${name}.vcf.gz")} \\
        --summary annotated.json \\
        ${task.ext.args ?: ''}
    """

    stub:
    """
    mkdir annotated
    echo | gzip -n > ${shell_word("annotated/${name}.vcf.gz")}
    touch ${shell_word("annotated/${name}.vcf.gz.tbi")}
    echo '{}' > annotated.json
    """
}
