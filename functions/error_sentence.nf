// The engine's report of an error → the one sentence in it that a user can act on, or null: what an
// entrypoint says after 'error: ', or which container image could not be had.
def error_sentence(report) {
    def lines = (report ?: '').readLines().collect { line -> line.trim() }
    def own = lines.find { line -> line.startsWith('error: ') }
    if (own) {
        return own.substring('error: '.size())
    }
    def image = lines.collect { line -> missing_image(line) }.find { name -> name }
    return image
        ? "The container image ${image} is not here and can't be pulled: build it with `make images`, or name its registry with --image_registry"
        : null
}

// As docker and podman say it
def missing_image(line) {
    def found = line =~ /(?:Unable to find image '|initializing source docker:\/\/)(\S+?)(?:'|: |$)/
    return found.find() ? found.group(1) : null
}
