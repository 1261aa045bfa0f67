// A bundle and all that was measured → the final bundle with its model card, and a page

include { shell_word } from '../../functions/shell_word'

process FINISH_MODEL {
    label 'process_export'
    conda "${moduleDir}/environment.yml"

    input:
    path bundle, stageAs: 'exported'
    path calibration // may be none
    path evaluation, stageAs: 'evaluation/*' // may be none
    path logs, stageAs: 'logs/*' // may be none
    path runs, stageAs: 'runs/*'
    path manifests, stageAs: 'manifests/*' // may be none
    path agreement // may be none
    val options // [ species, assembly, licence, provenance, notes ]
    val code_digest

    output:
    path 'model', emit: bundle
    path 'training.html', emit: page
    tuple val("${task.process}"), val('pyarrow'), eval('python3 -c "import importlib.metadata as m; print(m.version(\'pyarrow\'))"'), topic: versions

    script:
    def words = [
        calibration ? "--calibration ${calibration}" : '',
        evaluation ? '--evaluation evaluation/*' : '',
        agreement ? "--agreement ${agreement}" : '',
        logs ? '--logs logs/* --runs runs/*' : '',
        manifests ? '--manifests manifests/*' : '',
        options.species ? "--species ${shell_word(options.species)}" : '',
        options.assembly ? "--assembly ${shell_word(options.assembly)}" : '',
        options.licence ? "--licence ${shell_word(options.licence)}" : '',
        options.provenance ? "--provenance ${shell_word(options.provenance)}" : '',
    ].findAll { word -> word }.join(' ')
    """
    finish_model.py --bundle exported --output model --page training.html ${words} ${task.ext.args ?: ''}
    """

    stub:
    """
    mkdir model
    echo '{}' > model/bundle.json
    touch training.html
    """
}
