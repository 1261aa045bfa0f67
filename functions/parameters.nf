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
// Values from the command line may arrive as text, so every one is converted here.
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
    return values
}

def checked_value(name, value, definition) {
    if (value == null || value == '') {
        return null
    }
    def converted = converted_value(value, definition.type)
    if (converted == null) {
        error(value == true
            ? "--${name} has no value: give ${type_words(definition.type)}"
            : "--${name} '${value}' is not ${type_words(definition.type)}")
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

def converted_value(value, type) {
    def text = value.toString()
    if (type == 'integer') {
        return text ==~ /[+-]?\d{1,18}/ ? text.toLong() : null
    }
    if (type == 'number') {
        return text.isNumber() ? text.toBigDecimal() : null
    }
    if (type == 'boolean') {
        return text in ['true', 'false'] ? text == 'true' : null
    }
    if (type == 'object') {
        return value instanceof Map ? value : null
    }
    return value instanceof Boolean && value ? null : text
}

def type_words(type) {
    return [integer: 'a whole number', number: 'a number', boolean: 'true or false', object: 'a map'].get(type) ?: 'a text'
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
            def kind = definition.get('enum') ? definition.get('enum').join('|') : definition.type
            def fallback = value == null || value == '' ? '' : " [${value}]"
            "  --${name.padRight(18)} ${definition.description} (${kind})${fallback}"
        }
        entries ? "${group.title}\n${entries.join('\n')}\n" : ''
    }
    return body.findAll { text -> text }.join('\n')
}
