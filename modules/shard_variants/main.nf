// All input files → unique scorable alleles × genes, cut into shards of equal predicted cost

include { shell_word } from '../../functions/shell_word'
include { csv_line   } from '../../functions/csv'

process SHARD_VARIANTS {
    tag "${names.size()} file${names.size() == 1 ? '' : 's'}"
    label 'process_single'
    conda "${moduleDir}/environment.yml"

    input:
    val names // names of the samples, in the order of vcfs
    path vcfs, stageAs: 'vcf/?/*'
    path genome
    path genes
    path bundle
    val options // [ distance, left_align, shard_cost ], with a store also [ mask, calibrated, precision ]
    tuple val(store), path(store_folder, stageAs: 'store') // address of a score store, or its folder if it is local; both empty without
    val code_digest

    output:
    path 'shards/shard_*.parquet', arity: '0..*', emit: shards
    path 'unscored.parquet', emit: unscored
    path 'spellings.parquet', emit: spellings // alleles that are scored in another form than their minimal one
    path 'variants.json', emit: summary
    path 'known.parquet', emit: known, optional: true // scores from the store
    tuple val("${task.process}"), val('duckdb'), eval('python3 -c "import importlib.metadata as m; print(m.version(\'duckdb\'))"'), topic: versions

    script:
    def staged = vcfs instanceof List ? vcfs : [vcfs]
    def address = store_folder ? 'store' : shell_word(store)
    def known = store ? "--score-store ${address} --known known.parquet ${options.mask ? '--mask' : ''} ${options.calibrated ? '--calibrated' : ''} --precision ${options.precision}" : ''
    def sheet = [['sample', 'vcf']] + [names, staged].transpose()
    """
    printf '%s\\n' ${sheet.collect { row -> shell_word(csv_line(row)) }.join(' ')} > inputs.csv
    shard_variants.py \\
        --samplesheet inputs.csv \\
        --fasta ${genome} \\
        --genes ${genes} \\
        --bundle ${bundle} \\
        --distance ${options.distance} \\
        ${options.shard_cost ? "--max-shard-cost ${options.shard_cost}" : ''} \\
        --output-dir shards \\
        --unscored unscored.parquet \\
        --spellings spellings.parquet \\
        ${options.left_align ? '--left-align' : ''} \\
        ${known} \\
        --summary variants.json \\
        ${task.ext.args ?: ''}
    """

    stub:
    """
    mkdir shards
    touch shards/shard_00001.parquet shards/shard_00002.parquet unscored.parquet spellings.parquet
    echo '{}' > variants.json
    """
}
