// The engine's report of an error → the one sentence in it that a user can act on, or null: what an
// entrypoint says after 'error: ', which container image could not be had, or that there is no Python.
def error_sentence(report) {
    def lines = (report ?: '').readLines().collect { line -> line.trim() }
    def own = lines.find { line -> line.startsWith('error: ') }
    if (own) {
        return own.substring('error: '.size())
    }
    def image = lines.collect { line -> missing_image(line) }.find { name -> name }
    if (image) {
        return "The container image ${image} is not here and can't be pulled: build it with `make images`, or name its registry with --image_registry"
    }
    return lines.any { line -> lacks_python(line) }
        ? 'Tasks find no Python 3.11 or newer: run `make setup` and activate .venv (. .venv/bin/activate), or choose where the packages come from with -profile docker, singularity or conda'
        : null
}

// As docker and podman say it
def missing_image(line) {
    def found = line =~ /(?:Unable to find image '|initializing source docker:\/\/)(\S+?)(?:'|: |$)/
    return found.find() ? found.group(1) : null
}

// As env and the shell say it, and a Python that is too old to read an entrypoint
def lacks_python(line) {
    return line =~ /\benv: .?python3.?: No such file|\bpython3: (?:command )?not found/ || line.startsWith('SyntaxError: ')
}
