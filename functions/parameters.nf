// Parameters: what nextflow_schema.json says of them is checked before any process starts.

// Reads the schema → [ title: 'Group', parameters: [ name: definition ], required: [ names ], rules: [ if/then ] ] a group
def schema_groups(path) {
    def schema = new groovy.json.JsonSlurper().parse(path)
    return schema.get('$defs').values().collect { group ->
        [title: group.title, parameters: group.properties ?: [:], required: group.required ?: [],
            rules: group.allOf ?: []]
    }
}

// Values by name, each of the type that the schema says; stops with one sentence at the first fault.
// Engines differ in what they make of the command line: one hands over true, 5 and false, another
// 'true', '5' and 'false'. Either is converted here, and comes to the same.
def checked_parameters(given, path) {
    def groups = schema_groups(path)
    def known = groups.inject([:]) { all, group -> all + group.parameters }
    def unknown = given.keySet().findAll { name -> !known.containsKey(name) }.sort()
    if (unknown) {
        def name = unknown.find { candidate -> candidate.contains('-') } ?: unknown.first()
        def close = closest_name(name, known.keySet())
        error("Unknown parameter --${name}${close ? ": did you mean --${close}?" : ''}" +
            " (--help lists all parameters)")
    }
    def values = known.collectEntries { name, definition ->
        [(name): checked_value(name, given.get(name), definition)]
    }
    groups.each { group -> group.rules.each { rule -> check_rule(values, rule) } }
    def absent = groups.collectMany { group -> group.required }.find { name -> values.get(name) == null }
    if (absent) {
        error("--${absent} is empty: give a ${known.get(absent).description}")
    }
    // what has a default has a value, unless the schema allows null; a switch without one is off
    def emptied = known.keySet().find { name ->
        given.containsKey(name) && values.get(name) == null && needs_value(known.get(name))
    }
    if (emptied) {
        error("--${emptied} is empty: give ${type_words(type_of(known.get(emptied)))}, or leave the option out")
    }
    return values
}

def checked_value(name, value, definition) {
    def text = value == null ? '' : value.toString().trim()
    if (text == '') {
        return null
    }
    def converted = converted_value(value, text, type_of(definition))
    if (converted == null) {
        error(unfit_value(name, text, definition))
    }
    // by their text: the schema's whole numbers are of another class than the converted value
    def allowed = definition.get('enum')?.collect { choice -> choice.toString() }
    if (allowed && !allowed.contains(converted.toString())) {
        def close = closest_name(converted.toString(), allowed)
        error("--${name} '${converted}' is not one of: ${allowed.join(', ')}" +
            (close ? "; did you mean '${close}'?" : ''))
    }
    if (definition.minimum != null && converted < definition.minimum) {
        error("--${name} ${converted} is too small: the least is ${definition.minimum}")
    }
    if (definition.exclusiveMinimum != null && converted <= definition.exclusiveMinimum) {
        error("--${name} ${converted} is too small: it has to be more than ${definition.exclusiveMinimum}")
    }
    if (definition.maximum != null && converted > definition.maximum) {
        error("--${name} ${converted} is too large: the most is ${definition.maximum}")
    }
    if (definition.pattern && !(converted ==~ definition.pattern)) {
        error("--${name} '${converted}' has to be ${definition.errorMessage ?: "of the form ${definition.pattern}"}")
    }
    return converted
}

// The value in its type, or null if it can't be of that type
def converted_value(value, text, type) {
    if (type == 'integer') {
        return text ==~ /[+-]?\d{1,18}/ ? text.toLong() : null
    }
    if (type == 'number') {
        return text.isNumber() ? text.toBigDecimal() : null
    }
    if (type == 'boolean') {
        return is_truth_value(text) ? is_true(text) : null
    }
    if (type == 'object') {
        return value instanceof Map ? value : null
    }
    // a missing value arrives as true, so that no text can be a truth value
    return is_truth_value(text) || value instanceof Map || value instanceof Collection ? null : value.toString()
}

def unfit_value(name, text, definition) {
    def expected = type_words(type_of(definition))
    if (is_true(text)) {
        return "--${name} has no value: give ${expected}"
    }
    return is_truth_value(text) && type_of(definition) == 'string'
        ? "--${name} is not a switch: give ${expected} instead of '${text}', or leave the option out"
        : "--${name} '${text}' is not ${expected}"
}

// 'string' for "string" and for ["string", "null"]
def type_of(definition) {
    return [definition.type].flatten().find { type -> type != 'null' }
}

def needs_value(definition) {
    return definition.get('default') != null && ![definition.type].flatten().any { type -> type in ['null', 'boolean'] }
}

def type_words(type) {
    return [integer: 'a whole number', number: 'a number', boolean: 'true or false', object: 'a map'].get(type) ?: 'a text'
}

def is_true(value) {
    return value.toString().trim().equalsIgnoreCase('true')
}

def is_truth_value(value) {
    return is_true(value) || value.toString().trim().equalsIgnoreCase('false')
}

// Whether --help asks for help: alone, with true, or with a word behind it
def asks_help(value) {
    return !("${value}".trim().toLowerCase() in ['null', '', 'false'])
}

// The value of --outdir as checked_parameters() lets it pass, or null: before the check, and after a
// check that failed
def results_folder(value) {
    return value == null || value.toString().trim() == '' || is_truth_value(value) ? null : value.toString()
}

// A rule of the schema: { if: { properties: { name: { enum: [...] } } }, then: { required: [...] } }, or,
// where there is a choice, then: { anyOf: [ { required: [...] }, … ] }
def check_rule(values, rule) {
    def conditions = rule.get('if').properties
    if (!conditions.every { name, condition -> condition.get('enum').contains(values.get(name)) }) {
        return
    }
    def choices = (rule.get('then').anyOf ?: [rule.get('then')]).collect { choice -> choice.required }
    def missing = choices.collect { names -> names.findAll { name -> values.get(name) == null } }
    if (missing.every { names -> names }) {
        def asked = conditions.keySet().collect { name -> "--${name} ${values.get(name)}" }.join(' ')
        // of several choices all is named, not only what is missing
        def named = choices.size() > 1 ? choices : missing
        def words = named.collect { names -> names.collect { name -> "--${name}" }.join(' and ') }.join(', or ')
        error("${words} ${named.flatten().size() > 1 ? 'are' : 'is'} needed for ${asked} (--help lists all parameters)")
    }
}

// The known name that a misspelt one most likely means, or null.
def closest_name(name, known) {
    def limit = Math.max(1, name.size().intdiv(3))
    def near = known
        .collect { candidate -> [edit_distance(plain_letters(name), plain_letters(candidate)), candidate] }
        .findAll { distance, _candidate -> distance <= limit }
    return near ? near.min { pair -> pair[0] }[1] : null
}

def plain_letters(name) {
    return name.toLowerCase().replaceAll('[-_]', '')
}

def edit_distance(first, second) {
    def columns = second.size() ? (1..second.size()).toList() : []
    return first.toList().withIndex().inject([0] + columns) { above, letter_row ->
        columns.inject([letter_row[1] + 1]) { row, column ->
            def changed = above[column - 1] + (letter_row[0] == second[column - 1] ? 0 : 1)
            row + [[row.last() + 1, above[column] + 1, changed].min()]
        }
    }.last()
}

// What --help prints: every parameter, in the groups of the schema.
def help_text(path, defaults) {
    def body = schema_groups(path).collect { group ->
        def shown = group.parameters.findAll { _name, definition -> !definition.hidden }
        def entries = shown.collect { name, definition ->
            def value = defaults.get(name)
            def kind = definition.get('enum') ? definition.get('enum').join('|') : type_of(definition)
            def fallback = value == null || value == '' ? '' : " [${value}]"
            "  --${name.padRight(18)} ${definition.description} (${kind})${fallback}"
        }
        entries ? "${group.title}\n${entries.join('\n')}\n" : ''
    }
    return body.findAll { text -> text }.join('\n')
}
