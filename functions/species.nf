// Species to train on, and weights to start from, checked before any process starts.

include { existing_file ; listed_file ; sheet_rows } from './inputs'

// --input species.csv (name,fasta,annotation), or --fasta and --annotation → [ [ name, fasta, annotation ], … ]
def species_files(options) {
    if (!options.input) {
        return [[options.model_name ?: 'species', existing_file(options.fasta, '--fasta'), existing_file(options.annotation, '--annotation')]]
    }
    def sheet = existing_file(options.input, '--input')
    def rows = sheet_rows(sheet, ['name', 'fasta', 'annotation'], 'species').withIndex().collect { row, index ->
        if (!row.name) {
            error("Samplesheet ${sheet} has no name in row ${index + 1}")
        }
        if (!(row.name ==~ /[A-Za-z0-9][A-Za-z0-9._-]*/)) {
            error("Samplesheet ${sheet}, row ${index + 1}: name '${row.name}' has to be of letters, digits, dot, _ and -")
        }
        def files = ['fasta', 'annotation'].collect { column ->
            if (!row.get(column)) {
                error("Samplesheet ${sheet} has no ${column} in row ${index + 1}")
            }
            listed_file(sheet, row.get(column), index)
        }
        [row.name] + files
    }
    // results are named after species
    def alike = rows.groupBy { row -> row[0].toLowerCase() }.values().find { same -> same.size() > 1 }
    if (alike) {
        def names = alike.collect { row -> row[0] }.unique()
        error(names.size() == 1
            ? "Samplesheet ${sheet} has two species named '${names[0]}': give each its own name"
            : "Samplesheet ${sheet}: the species '${names[0]}' and '${names[1]}' differ in case only: give each its own name")
    }
    return rows
}
