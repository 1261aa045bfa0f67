// What the user names on the command line → files and names, checked before any process starts.

include { closest_name } from './parameters'
include { csv_rows ; heading } from './csv'
include { is_kept ; is_local } from './model_cache'

// --input: a VCF or BCF, a quoted glob of them, or a samplesheet → [ [ name, file ], … ]
def variant_files(input) {
    def paths = matching_files(input, '--input')
    def sheet = paths.size() == 1 && paths[0].name.toLowerCase().endsWith('.csv') ? paths[0] : null
    def where = sheet ? "Samplesheet ${sheet}" : '--input'
    def named = sheet ? samplesheet_rows(sheet) : paths.collect { vcf -> [name_of(vcf), vcf] }
    named.each { name, vcf ->
        if (!begins_like_variants(vcf)) {
            error(sheet ? "${where}: ${vcf} is no VCF or BCF" : "--input: ${vcf} is no VCF or BCF, and ${sheet_words('sample,vcf')}")
        }
        check_name(name, vcf)
    }
    check_distinct(named, where)
    return named
}

// A samplesheet has the columns sample and vcf.
def samplesheet_rows(sheet) {
    return sheet_rows(sheet, ['sample', 'vcf'], 'samples').withIndex().collect { row, index ->
        if (!row.sample || !row.vcf) {
            error("Samplesheet ${sheet} has no sample or no vcf in row ${index + 1}")
        }
        [row.sample, listed_file(sheet, row.vcf, index)]
    }
}

// Outputs are named after samples, and names that differ in case only are one file on some file systems.
// named: [ [ name, file ], … ]
def check_distinct(named, where) {
    def alike = named.groupBy { row -> row[0].toLowerCase() }.values().find { rows -> rows.size() > 1 }
    if (!alike) {
        return
    }
    def (first, second) = alike.take(2)
    def remedy = where == '--input'
        ? 'give each its own name in a samplesheet (columns sample,vcf)'
        : 'give each its own name in the column sample'
    error(first[0] == second[0]
        ? "${where}: Two inputs are named '${first[0]}', ${first[1]} and ${second[1]}: ${remedy}"
        : "${where}: '${first[0]}' (${first[1]}) and '${second[0]}' (${second[1]}) differ in case only," +
            " and some file systems take them for one name: ${remedy}")
}

// Whether a file is called a VCF or BCF, or begins like one, packed or not; what is neither is told at the
// start, and not by a task later.
def begins_like_variants(path) {
    if (path.name.toLowerCase() ==~ /.*\.(vcf|bcf)(\.(gz|bgz|bgzf))?/) {
        return true
    }
    def bytes = path.withInputStream { stream -> stream.readNBytes(64) }
    def beginning = new String(bytes, 'ISO-8859-1')
    if (beginning.startsWith('\u001F\u008B')) {
        beginning = path.withInputStream { stream -> unpacked_beginning(stream) }
    }
    // what is UTF-16 is told by the task that reads it
    return (beginning.replace('\0', '') =~ /^(?:\xEF\xBB\xBF|\xFF\xFE|\xFE\xFF)?##fileformat=VCF|^BCF/).find()
}

// gzip or bgzip → how its content begins, as text of bytes
def unpacked_beginning(stream) {
    try {
        return new String(new java.util.zip.GZIPInputStream(stream).readNBytes(64), 'ISO-8859-1')
    }
    catch (IOException _damaged) {
        return ''
    }
}

// What a sheet has to be
def sheet_words(columns) {
    return "a samplesheet has to be a .csv file with the columns ${columns} (in Excel: save as 'CSV UTF-8')"
}

// Text of a sheet in UTF-8, with or without a byte-order mark
def sheet_text(sheet) {
    def bytes = sheet.bytes
    // Excel's and LibreOffice's own formats: a zip archive, or the older container of Microsoft
    if (new String(bytes, 'ISO-8859-1') =~ /^(?:PK\x03\x04|\xD0\xCF\x11\xE0)/) {
        error("Samplesheet ${sheet} is a workbook, not text: save the table as 'CSV UTF-8 (Comma delimited)' and give that file")
    }
    try {
        def text = java.nio.charset.StandardCharsets.UTF_8.newDecoder().decode(java.nio.ByteBuffer.wrap(bytes)).toString()
        // what has zeros is UTF-16 without a mark
        if (!text.contains('\0')) {
            return text.replace('\uFEFF', '')
        }
    }
    catch (java.nio.charset.CharacterCodingException _fault) {
        log.debug("${sheet} is not UTF-8")
    }
    error("Samplesheet ${sheet} is not UTF-8 text: it has to be UTF-8, save it again so (in Excel: 'CSV UTF-8 (Comma delimited)')")
}

// A CSV file and the columns it has to have, in lower case → [ [ column: text, … ], … ]
def sheet_rows(sheet, needed, content) {
    if (sheet.name.toLowerCase() ==~ /.*\.(tsv|tab|txt|xls[xmb]?|ods|numbers)/) {
        error("--input: ${sheet} is no .csv file: ${sheet_words(needed.join(','))}")
    }
    def rows = csv_rows(sheet_text(sheet), needed)
    def columns = rows ? heading(rows[0]) : []
    if (!columns.containsAll(needed)) {
        def names = needed.collect { name -> "'${name}'" }
        error("Samplesheet ${sheet} has no columns ${names.dropRight(1).join(', ')} and ${names.last()} in its first line")
    }
    def twice = needed.find { name -> columns.count(name) > 1 }
    if (twice) {
        error("Samplesheet ${sheet} has two columns '${twice}': leave one of them out")
    }
    if (rows.size() < 2) {
        error("Samplesheet ${sheet} lists no ${content}")
    }
    return rows.drop(1).withIndex().collect { fields, index ->
        if (fields.drop(columns.size()).any { field -> field }) {
            error("Samplesheet ${sheet} has more fields than columns in row ${index + 1}: put a field with a comma in double quotes")
        }
        needed.collectEntries { name -> [(name): fields[columns.indexOf(name)]] }
    }
}

// A file that a samplesheet names; a relative path is looked for beside the sheet first, which may be
// in a bucket, then in the working directory.
def listed_file(sheet, path, index) {
    // what no path can have is no path beside the sheet either
    def text = printable(path)
    def beside = text.startsWith('/') || text.contains('://') ? null : sheet.parent.resolve(text)
    return existing_file(beside?.exists() ? beside : text, "row ${index + 1} of samplesheet ${sheet}")
}

def name_of(vcf) {
    return vcf.name.replaceFirst(/(?i)(\.(vcf|bcf))?(\.(gz|bgzf?))?$/, '')
}

// A name becomes a file name in the results and a word in the report.
def check_name(name, vcf) {
    if (!(name ==~ /[A-Za-z0-9_][A-Za-z0-9._-]*/)) {
        error("'${printable(name)}' (${printable(vcf.name)}) can't name a sample: a name has letters, digits, '.', '_'" +
            " and '-' only and does not begin with '.' or '-'; give the file another name in a samplesheet (sample,vcf)")
    }
}

def printable(text) {
    return text.replaceAll(/\p{Cntrl}/, '?')
}

// A path or a glob → files, in the order of their paths
def matching_files(text, option) {
    if (file(text, glob: false).exists()) {
        return [existing_file(text, option)]
    }
    def found = text =~ /[*?\[{]/ ? files(text).sort { path -> path.toString() } : []
    return found ?: [existing_file(text, option)]
}

// A path, as text or found already → the file, which can be read
def existing_file(given, option) {
    def path = file(given, glob: false)
    if (!path.exists()) {
        error("${option}: ${given} does not exist")
    }
    if (path.isDirectory()) {
        error("${option}: ${given} is a folder, a file is expected")
    }
    if (!java.nio.file.Files.isReadable(path)) {
        error("${option}: ${given} can't be read: check its permissions")
    }
    return stageable_path(path, option)
}

// --regions of predict: nothing, contig:start-end or a BED file → [ text or null, file or [] ]
def chosen_regions(options) {
    if (options.annotation && options.regions) {
        error('--annotation and --regions are given, but regions are predicted without genes: leave one of them out')
    }
    if (options.annotation && options.strand != 'both') {
        error("--strand ${options.strand} and --annotation are given, but each gene is read on its own strand: leave one of them out")
    }
    def as_text = options.regions ==~ /.+:[\d,]+-[\d,]+/
    return [as_text ? options.regions : null, options.regions && !as_text ? existing_file(options.regions, '--regions') : []]
}

// The engine's own script that links inputs into a task's folder leaves '$' to the shell.
def stageable_path(path, option) {
    if (path.toString() =~ /[$\p{Cntrl}]/) {
        error("${option}: ${printable(path.toString())} has '\$' or a control character in its path: rename it or link to it")
    }
    return path
}

// --model: a name from the catalogue, a bundle, or weights
// → [ name, info_tag, card (JSON text), sums ('SHA256  NAME' lines), stored (folder or null) ], [ files ]
def model_files(model, options, catalogue, code_digest) {
    def entry = catalogue.get(model)
    if (entry && !entry.bundle) {
        def sums = sums_of(entry.files)
        def key = "${model}-${(sums + code_digest).digest('SHA-256').take(16)}"
        // what a stub run makes is no model, and is not kept
        def cache = options.model_cache && !workflow.stubRun ? file(options.model_cache, glob: false) : null
        def kept = cache?.resolve(key)
        def present = kept && is_kept(kept)
        if (present) {
            log.info("Model ${model}: kept in ${kept.toUriString()}")
        }
        else if (cache && is_local(cache)) {
            writable_folder(cache, '--model_cache', options.model_cache)
        }
        def described = [name: model, info_tag: options.info_tag ?: entry.info_tag, card: card_of(entry), sums: sums,
            stored: kept?.toUriString()]
        return [described, present ? [] : entry.files.collect { listed -> file(listed.url, glob: false) }]
    }
    def known = files_of_model(model, '--model', catalogue)
    if (!known) {
        error("--model ${model} holds no model: a bundle has bundle.json, weights end in .pt, .pth, .safetensors or .h5")
    }
    return [[name: options.model_name, info_tag: options.info_tag, card: '{}', sums: '', stored: null], known]
}

// --pretrained, --teacher: a name from the catalogue, or weights → [ files ], sums ('SHA256  NAME' lines).
// Never what --model_cache keeps: that is a bundle, and only weights can be trained and taught from.
def weight_files(model, option, catalogue) {
    def listed = catalogue.get(model)?.files?.findAll { one -> is_weights(one.url) }
    if (listed) {
        return [listed.collect { one -> file(one.url, glob: false) }, sums_of(listed)]
    }
    def known = catalogue.get(model)?.files ? [] : files_of_model(model, option, catalogue)
    def weights = known.findAll { child -> is_weights(child.name) }
    if (!weights) {
        error("${option} ${model} holds no weights (.pt, .pth, .safetensors or .h5)" +
            (known ? ': a bundle of .onnx files can only score; give the weights that it was exported from' : ''))
    }
    return [weights, '']
}

def is_weights(name) {
    return name ==~ /.*\.(pt|pth|safetensors|h5)/
}

def sums_of(listed) {
    return listed.collect { one -> "${one.sha256}  ${one.url.tokenize('/').last()}" }.join('\n')
}

// A bundle or weights, in a folder or one file → its files, in the order of their names
def files_of_model(model, option, catalogue) {
    def path = file(catalogue.get(model)?.bundle ?: model, glob: false)
    if (!path.exists()) {
        def close = closest_name(model, catalogue.keySet())
        error("${option} ${model} is neither a folder nor in the model catalogue" +
            (close ? "; did you mean ${close}?" : ": see docs/models.md"))
    }
    def files = path.isDirectory() ? path.listFiles().findAll { child -> child.isFile() && !child.name.startsWith('.') } : [path]
    def known = files.findAll { child -> child.name == 'bundle.json' || child.name.endsWith('.onnx') || is_weights(child.name) }
    return known.collect { child -> stageable_path(child, option) }.sort { child -> child.name }
}

// The name that results of a model get: --model_name, or that of its file or folder, or of the catalogue
def name_of_model(options) {
    def name = options.model_name ?: file(options.model, glob: false).name
    if (!(name ==~ /[A-Za-z0-9][A-Za-z0-9._-]*/)) {
        error("--model: '${printable(name)}' can't name the results: give a --model_name of letters, digits, dot, _ and -")
    }
    return name
}

def card_of(entry) {
    return groovy.json.JsonOutput.toJson(entry.subMap(['family', 'species', 'assembly', 'licence', 'citation', 'provenance']))
}

// --score_store: '' | a URI | a folder → [ address, folder or [] ]
def score_store(location) {
    if (!location || location.contains('://')) {
        return [location ?: '', []]
    }
    def folder = kept_folder(location, 'format=2', '--score_store')
    return [folder.toString(), folder]
}

// --checkpoints: '' | a folder → folder or []
def checkpoint_folder(location) {
    if (location?.contains('://')) {
        error("--checkpoints: ${location} is an address, a folder is expected")
    }
    return location ? kept_folder(location, 'members', '--checkpoints') : []
}

// A folder that runs add to. It is made here, with the one folder inside it that everything is added to:
// so its own date never changes, which -resume looks at, and it is staged as an input, which is how
// containers get to see it.
def kept_folder(location, name, option) {
    def folder = stageable_path(file(location, glob: false), option)
    writable_folder(folder.resolve(name), option, location)
    return folder
}

def writable_folder(folder, option, location) {
    folder.mkdirs()
    if (!folder.isDirectory() || !java.nio.file.Files.isWritable(folder)) {
        error("${option}: ${location} is not a folder that can be written")
    }
}
