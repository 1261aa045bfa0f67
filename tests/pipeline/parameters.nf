// Checks many sets of parameters with one start of the engine: prints one line of JSON for each.

include { checked_parameters } from '../../functions/parameters'
include { model_files ; name_of ; variant_files } from '../../functions/inputs'
include { csv_fields ; csv_line } from '../../functions/csv'

def outcome(body) {
    try {
        return [value: body()]
    }
    catch (Exception fault) {
        return [error: fault.message ?: fault.cause?.message]
    }
}

workflow {
    def schema = file("${projectDir}/../../nextflow_schema.json")
    def cases = new groovy.json.JsonSlurper().parse(file(params.cases))
    def catalogue = ['openspliceai-mane-80nt': [files: []]]
    cases.each { one ->
        def found = outcome {
            if (one.call == 'parameters') {
                return checked_parameters(one.given, schema).subMap(one.given.keySet())
            }
            if (one.call == 'inputs') {
                return variant_files(one.given).collect { name, vcf -> [name, vcf.name] }
            }
            if (one.call == 'model') {
                return model_files(one.given, [:], catalogue, 'digest')[1].collect { weights -> weights.name }
            }
            if (one.call == 'csv') {
                return csv_fields(csv_line(one.given))
            }
            return null
        }
        println('CASE ' + groovy.json.JsonOutput.toJson(found))
    }
}
