// Species to train on, and weights to start from, checked before any process starts.

include { existing_file } from './inputs'
include { csv_fields    } from './csv'

// --input species.csv (name,fasta,annotation), or --fasta and --annotation → [ [ name, fasta, annotation ], … ]
def species_files(options) {
    if (!options.input) {
        return [[options.model_name ?: 'species', existing_file(options.fasta, '--fasta'), existing_file(options.annotation, '--annotation')]]
    }
    def sheet = existing_file(options.input, '--input')
    def lines = sheet.getText('UTF-8').replace('\uFEFF', '').readLines().findAll { line -> line.trim() }
    def columns = lines ? csv_fields(lines[0]) : []
    if (!columns.containsAll(['name', 'fasta', 'annotation']) || lines.size() < 2) {
        error("Samplesheet ${sheet} has to have the columns name, fasta and annotation, and a row for each species")
    }
    def rows = lines.drop(1).withIndex().collect { line, index ->
        def fields = csv_fields(line)
        def name = fields[columns.indexOf('name')]
        if (!(name ==~ /[A-Za-z0-9][A-Za-z0-9._-]*/)) {
            error("Samplesheet ${sheet}, row ${index + 1}: name '${name}' has to be of letters, digits, dot, _ and -")
        }
        def files = ['fasta', 'annotation'].collect { column ->
            def path = fields[columns.indexOf(column)]
            if (!path) {
                error("Samplesheet ${sheet} has no ${column} in row ${index + 1}")
            }
            def beside = sheet.parent.resolve(path)
            existing_file(beside.exists() ? beside.toString() : path, "row ${index + 1} of samplesheet ${sheet}")
        }
        [name] + files
    }
    def twice = rows.countBy { row -> row[0] }.find { _name, count -> count > 1 }
    if (twice) {
        error("Samplesheet ${sheet} has two species named '${twice.key}': give each its own name")
    }
    return rows
}
