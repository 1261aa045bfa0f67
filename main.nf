#!/usr/bin/env nextflow

include { ANNOTATE                       } from './workflows/annotate'
include { TRAIN                          } from './workflows/train'
include { TRANSFER                       } from './workflows/transfer'
include { EVALUATE                       } from './workflows/evaluate'
include { PREDICT                        } from './workflows/predict'
include { DISTIL                         } from './workflows/distil'
include { MUTAGENESIS                    } from './workflows/mutagenesis'
include { asks_help ; checked_parameters ; help_text ; results_folder } from './functions/parameters'
include { write_cost                     } from './functions/cost'
include { error_sentence                 } from './functions/error_sentence'
include { code_digest                    } from './functions/code_digest'

workflow {
    main:
    def schema = file("${projectDir}/nextflow_schema.json")
    if (asks_help(params.help)) {
        println(help_text(schema, params))
    }
    else {
        def options = checked_parameters(params, schema)
        def catalogue = options.model_catalogue ?: [:]
        def given = options.findAll { name, _value -> name != 'model_catalogue' }
        def digest = code_digest(file("${projectDir}/bin"))
        // A new workflow is a file in workflows/, an include above, a branch here, and its name
        // in the enum of `workflow` in nextflow_schema.json. It takes the checked parameters.
        if (options.workflow == 'annotate') {
            ANNOTATE(given, catalogue, digest)
        }
        else if (options.workflow == 'train') {
            TRAIN(given, [[], ''], digest)
        }
        else if (options.workflow == 'transfer') {
            TRANSFER(given, catalogue, digest)
        }
        else if (options.workflow == 'evaluate') {
            EVALUATE(given, catalogue, digest)
        }
        else if (options.workflow == 'predict') {
            PREDICT(given, catalogue, digest)
        }
        else if (options.workflow == 'distil') {
            DISTIL(given, catalogue, digest)
        }
        else if (options.workflow == 'mutagenesis') {
            MUTAGENESIS(given, catalogue, digest)
        }
    }

    // the one sentence that says what is wrong stands last, below the engine's own report
    workflow.onComplete = {
        try {
            def results = results_folder(params.outdir)
            if (results && !asks_help(params.help)) {
                write_cost(file(results, glob: false), [
                    device: params.device,
                    precision: params.precision,
                    reserved: workflow.profile.tokenize(',').contains('gpu'),
                ], workflow.success)
            }
        }
        catch (Exception fault) {
            log.warn("What the run has cost is not written: ${fault.message ?: fault}")
        }
        def sentence = error_sentence(workflow.errorReport)
        if (sentence) {
            log.error(sentence)
        }
    }
}
