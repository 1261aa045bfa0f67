// Checks many sets of parameters with one start of the engine: prints one line of JSON for each.

include { asks_help ; checked_parameters ; results_folder } from '../../functions/parameters'
include { checkpoint_folder ; chosen_regions ; model_files ; name_of_model ; variant_files ; weight_files } from '../../functions/inputs'
include { keep_bundle } from '../../functions/model_cache'
include { species_files } from '../../functions/species'
include { training_options } from '../../functions/training'
include { csv_fields ; csv_line } from '../../functions/csv'

// A call from one file into another wraps what is thrown there
def message_of(fault) {
    return fault.message ?: (fault.cause ? message_of(fault.cause) : null)
}

def outcome(body) {
    try {
        return [value: body.call()]
    }
    catch (Exception fault) {
        return [error: message_of(fault)]
    }
}

workflow {
    def schema = file("${projectDir}/../../nextflow_schema.json")
    def cases = new groovy.json.JsonSlurper().parse(file(params.cases))
    def listed = [[url: 'file:///a/one.pt', sha256: '1a'], [url: 'file:///a/two.pt', sha256: '2b']]
    def catalogue = [
        'openspliceai-mane-80nt': [files: listed],
        'finished': [bundle: 'bundle'],
        'published': [files: [[url: 'http://127.0.0.1:9/bundle.json', sha256: '1a']]],
    ]
    cases.each { one ->
        def found = outcome {
            if (one.call == 'parameters') {
                return checked_parameters(one.given, schema).subMap(one.given.keySet())
            }
            if (one.call == 'help') {
                return asks_help(one.given)
            }
            if (one.call == 'results') {
                return results_folder(one.given)
            }
            if (one.call == 'inputs') {
                return variant_files(one.given).collect { name, vcf -> [name, vcf.name] }
            }
            if (one.call == 'model') {
                return model_files(one.given, [:], catalogue, 'digest')[1].collect { weights -> weights.name }
            }
            if (one.call == 'described') {
                return model_files(one.given.model, one.given, catalogue, 'digest')[0].subMap(['stored'])
            }
            if (one.call == 'keep') {
                def bundle = keep_bundle(file(one.given.made), [[stored: one.given.stored], []])
                return [bundle.toString(), bundle.resolve('member.onnx').text]
            }
            if (one.call == 'weights') {
                def (weights, sums) = weight_files(one.given, '--pretrained', catalogue)
                return [weights.collect { file -> file.name }, sums]
            }
            if (one.call == 'name') {
                return [name_of_model([model: one.given])]
            }
            if (one.call == 'species') {
                return species_files([input: one.given]).collect { row -> [row[0], row[1].name, row[2].name] }
            }
            if (one.call == 'regions') {
                def (text, bed) = chosen_regions(one.given)
                return [text, bed ? bed.name : null]
            }
            if (one.call == 'checkpoints') {
                def folder = checkpoint_folder(one.given)
                return folder ? [folder.isAbsolute(), folder.resolve('members').isDirectory()] : folder
            }
            if (one.call == 'training') {
                return training_options(one.given).keySet().toList()
            }
            if (one.call == 'csv') {
                return csv_fields(csv_line(one.given))
            }
            if (one.call == 'line') {
                return csv_fields(one.given)
            }
            return null
        }
        println('CASE ' + groovy.json.JsonOutput.toJson(found))
    }
}
