// CSV as RFC 4180 writes it: a field in double quotes may hold commas, and quotes written twice.

def csv_line(fields) {
    return fields.collect { field -> '"' + field.toString().replace('"', '""') + '"' }.join(',')
}

def csv_fields(line) {
    // a comma in front of each field: an empty first one would be a match without a letter
    return ",${line}".findAll(/,(?:"(?:[^"]|"")*"|[^,]*)/).collect { raw ->
        def field = raw.substring(1).trim()
        field.size() > 1 && field.startsWith('"') && field.endsWith('"')
            ? field.substring(1, field.size() - 1).replace('""', '"')
            : field
    }
}

// CSV text → [ [ field, … ], … ], rows of nothing but separators left out. The separator is the comma, the
// semicolon (Excel where the comma is the decimal sign), the tab or the bar: the one that a first line 'sep=;'
// names, or the one with which the first row has all columns that are needed.
def csv_rows(text, needed) {
    def named = text =~ /\A\s*"?(?i:sep)=([^\r\n])"?[^\r\n\w]*(?:\r\n|\r|\n)/
    if (named.find()) {
        return separated_rows(text.substring(named.end()), named.group(1))
    }
    def readings = [',', ';', '\t', '|'].collect { separator -> separated_rows(text, separator) }
    return readings.find { rows -> rows && heading(rows[0]).containsAll(needed) } ?: readings[0]
}

// Names of columns, as they are looked for
def heading(row) {
    return row.collect { field -> field.toLowerCase() }
}

// A quoted field may hold separators and line ends; what ends a field is a separator or the end of its line.
def separated_rows(text, separator) {
    def mark = java.util.regex.Pattern.quote(separator)
    def field = '(?:[ ]*"([^"]*+(?:""[^"]*+)*+)"[ ]*|([^' + mark + '\\r\\n]*))(' + mark + '|\\r\\n|\\r|\\n)'
    def rows = [[]]
    def matches = ("${text}\n" =~ field)
    matches.each { _all, quoted, plain, end ->
        rows.last() << without_blanks(quoted == null ? plain : quoted.replace('""', '"'))
        if (end != separator) {
            rows << []
        }
    }
    return rows.findAll { row -> row.any { value -> value } }
}

// Spreadsheets and web pages leave blanks that do not break a line, and blanks of no width.
def without_blanks(field) {
    return field.replaceAll(/^[\s\u00A0\u200B]+|[\s\u00A0\u200B]+$/, '')
}
