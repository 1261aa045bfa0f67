// Genome and genes of one species → shards of the training, validation and test splits

include { shell_word } from '../../functions/shell_word'

process PREPARE_DATASET {
    tag "${name}"
    label 'process_dataset'
    conda "${moduleDir}/environment.yml"

    input:
    tuple val(name), path(genome), path(genes)
    val options // [ split, test_share, validation_share, keep_intronless, keep_paralogs, min_identity, min_coverage, held_out_one_in, seed ]
    val code_digest

    output:
    tuple val(name), path('dataset/train'), emit: train, optional: true
    tuple val(name), path('dataset/validation'), emit: validation, optional: true
    tuple val(name), path('dataset/test'), emit: test
    path "${name}.manifest.json", emit: manifest
    path "${name}.left_out.tsv", emit: left_out
    tuple val("${task.process}"), val('pyarrow'), eval('python3 -c "import importlib.metadata as m; print(m.version(\'pyarrow\'))"'), topic: versions

    script:
    """
    prepare_dataset.py \\
        --fasta ${genome} \\
        --genes ${genes} \\
        --name ${shell_word(name)} \\
        --split ${options.split} \\
        --test-share ${options.test_share} \\
        --validation-share ${options.validation_share} \\
        ${options.keep_intronless ? '--keep-intronless' : ''} ${options.keep_paralogs ? '--keep-paralogs' : ''} \\
        --min-identity ${options.min_identity} \\
        --min-coverage ${options.min_coverage} \\
        --held-out-one-in ${options.held_out_one_in ?: 0} \\
        --seed ${options.seed} \\
        --output-dir dataset \\
        ${task.ext.args ?: ''}
    mv dataset/manifest.json ${shell_word("${name}.manifest.json")}
    mv dataset/left_out.tsv ${shell_word("${name}.left_out.tsv")}
    """

    stub:
    """
    mkdir -p dataset/train dataset/validation dataset/test
    touch dataset/train/shard_00000.parquet dataset/validation/shard_00000.parquet dataset/test/shard_00000.parquet
    echo '{}' > ${shell_word("${name}.manifest.json")}
    touch ${shell_word("${name}.left_out.tsv")}
    """
}
