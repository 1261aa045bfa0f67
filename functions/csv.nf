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
