// Reference sequence → one folder with FASTA, index, contigs.tsv and digest

process PREPARE_GENOME {
    label 'process_single'
    conda "${moduleDir}/environment.yml"

    input:
    path fasta, stageAs: 'input/*'
    val code_digest

    output:
    path 'genome', emit: genome
    tuple val("${task.process}"), val('pysam'), eval('python3 -c "import importlib.metadata as m; print(m.version(\'pysam\'))"'), topic: versions

    script:
    """
    prepare_genome.py --fasta input/* --output-dir genome --threads ${task.cpus} ${task.ext.args ?: ''}
    """

    stub:
    """
    mkdir genome
    touch genome/genome.fa genome/genome.fa.fai genome/contigs.tsv genome/assembly.sha256
    """
}
