// Weights or a bundle → a checked model bundle

include { shell_word } from '../../functions/shell_word'

process EXPORT_MODEL {
    tag "${model.name ?: 'model'}"
    label 'process_export'
    conda "${moduleDir}/environment.yml"

    input:
    tuple val(model), path(weights, stageAs: 'weights/*') // [ name, info_tag, card, sums, stored ], files
    val code_digest

    output:
    path 'bundle', emit: bundle
    // no version in the topic: a model that is kept is not exported again, and -resume would find other versions

    script:
    def name = model.name ? "--name ${shell_word(model.name)}" : ''
    def info_tag = model.info_tag ? "--info-tag ${shell_word(model.info_tag)}" : ''
    def sums = model.sums ? '--sha256 sums.txt' : ''
    """
    printf '%s\\n' ${shell_word(model.card)} > card.json
    printf '%s\\n' ${shell_word(model.sums)} > sums.txt
    # small matrix products: a second thread of the linear algebra would wait more than it works
    export OMP_NUM_THREADS=1
    export_model.py --weights weights --output bundle --card card.json ${sums} ${name} ${info_tag} ${task.ext.args ?: ''}
    """

    stub:
    """
    mkdir bundle
    echo '{}' > bundle/bundle.json
    """
}
