// CSV as RFC 4180 writes it: a field in double quotes may hold commas, and quotes written twice.

def csv_line(fields) {
    return fields.collect { field -> '"' + field.toString().replace('"', '""') + '"' }.join(',')
}

def csv_fields(line) {
    return line.findAll(/(?:^|,)(?:"(?:[^"]|"")*"|[^,]*)/).collect { raw ->
        def field = (raw.startsWith(',') ? raw.substring(1) : raw).trim()
        field.size() > 1 && field.startsWith('"') && field.endsWith('"')
            ? field.substring(1, field.size() - 1).replace('""', '"')
            : field
    }
}
