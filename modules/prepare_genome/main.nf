// Reference sequence → one folder with FASTA, index, contigs.tsv and digest

process PREPARE_GENOME {
    tag "${species}"
    label 'process_single'
    conda "${moduleDir}/environment.yml"

    input:
    tuple val(species), path(fasta, stageAs: 'input/*') // its name, empty if there is only one
    val code_digest

    output:
    tuple val(species), path('genome'), emit: genome
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
