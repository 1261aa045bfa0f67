// What the user names on the command line → files and names, checked before any process starts.

include { closest_name } from './parameters'
include { csv_fields   } from './csv'

// --input: a VCF or BCF, a quoted glob of them, or a samplesheet → [ [ name, file ], … ]
def variant_files(input) {
    def found = matching_files(input, '--input')
    def named = found.size() == 1 && found[0].name.toLowerCase().endsWith('.csv')
        ? samplesheet_rows(found[0])
        : found.collect { vcf -> [name_of(vcf), vcf] }
    named.each { name, vcf -> check_name(name, vcf) }
    def twice = named.countBy { name, _vcf -> name }.find { _name, count -> count > 1 }
    if (twice) {
        error("Two inputs are named '${twice.key}': give each its own name in a samplesheet (columns sample,vcf)")
    }
    return named
}

// A samplesheet has the columns sample and vcf; a relative path is looked for beside the sheet first.
def samplesheet_rows(sheet) {
    def lines = sheet.getText('UTF-8').replace('\uFEFF', '').readLines().findAll { line -> line.trim() }
    def columns = lines ? csv_fields(lines[0]) : []
    if (!columns.containsAll(['sample', 'vcf'])) {
        error("Samplesheet ${sheet} has no columns 'sample' and 'vcf' in its first line")
    }
    if (lines.size() < 2) {
        error("Samplesheet ${sheet} lists no samples")
    }
    return lines.drop(1).withIndex().collect { line, index ->
        def fields = csv_fields(line)
        def name = fields[columns.indexOf('sample')]
        def path = fields[columns.indexOf('vcf')]
        if (!name || !path) {
            error("Samplesheet ${sheet} has no sample or no vcf in row ${index + 1}")
        }
        def beside = sheet.parent.resolve(path)
        [name, existing_file(beside.exists() ? beside.toString() : path, "row ${index + 1} of samplesheet ${sheet}")]
    }
}

def name_of(vcf) {
    return vcf.name.replaceFirst(/(?i)(\.(vcf|bcf))?(\.(gz|bgz))?$/, '')
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

def existing_file(text, option) {
    def path = file(text, glob: false)
    if (!path.exists()) {
        error("${option}: ${text} does not exist")
    }
    if (path.isDirectory()) {
        error("${option}: ${text} is a folder, a file is expected")
    }
    if (!java.nio.file.Files.isReadable(path)) {
        error("${option}: ${text} can't be read: check its permissions")
    }
    return stageable_path(path, option)
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
        def sums = entry.files.collect { listed -> "${listed.sha256}  ${listed.url.tokenize('/').last()}" }.join('\n')
        def key = "${model}-${(sums + code_digest).digest('SHA-256').take(16)}"
        def kept = options.model_cache ? file(options.model_cache).resolve(key) : null
        def described = [name: model, info_tag: options.info_tag ?: entry.info_tag, card: card_of(entry), sums: sums,
            stored: kept?.toString()]
        return [described, is_kept(kept) ? [] : entry.files.collect { listed -> file(listed.url) }]
    }
    def path = file(entry ? entry.bundle : model, glob: false)
    if (!path.exists()) {
        def close = closest_name(model, catalogue.keySet())
        error("--model ${model} is neither a folder nor in the model catalogue" +
            (close ? "; did you mean ${close}?" : ": see docs/models.md"))
    }
    stageable_path(path, '--model')
    def weights = path.isDirectory() ? path.listFiles().findAll { child -> child.isFile() && !child.name.startsWith('.') } : [path]
    def known = weights.findAll { child -> child.name == 'bundle.json' || child.name ==~ /.*\.(onnx|pt|pth|h5)/ }
    if (!known) {
        error("--model ${model} holds no model: a bundle has bundle.json, weights end in .pt, .pth or .h5")
    }
    return [[name: options.model_name, info_tag: options.info_tag, card: '{}', sums: '', stored: null],
        known.sort { child -> child.name }]
}

// Whether an earlier run left the bundle of a catalogue model in this folder; then nothing is fetched.
def is_kept(folder) {
    def bundle = folder?.resolve('bundle')
    if (!bundle?.exists()) {
        return false
    }
    def description = bundle.resolve('bundle.json')
    def listed = description.exists() ? new groovy.json.JsonSlurper().parse(description).files?.keySet() ?: [] : ['bundle.json']
    if (!listed.every { name -> bundle.resolve(name).exists() }) {
        error("The model kept in ${folder} is not complete: delete that folder and run again")
    }
    return true
}

def card_of(entry) {
    return groovy.json.JsonOutput.toJson(entry.subMap(['family', 'species', 'assembly', 'licence', 'citation', 'provenance']))
}

// --score_store: '' | a URI | a folder → [ address, folder or [] ]. A folder is made here, with the one
// folder inside it that everything is added to: so its own date never changes, which -resume looks at,
// and it is staged as an input, which is how containers get to see it.
def score_store(location) {
    if (!location || location.contains('://')) {
        return [location ?: '', []]
    }
    def folder = stageable_path(file(location, glob: false), '--score_store')
    def inside = folder.resolve('format=1')
    inside.mkdirs()
    if (!inside.isDirectory() || !java.nio.file.Files.isWritable(inside)) {
        error("--score_store: ${location} is not a folder that can be written")
    }
    return [folder.toString(), folder]
}
