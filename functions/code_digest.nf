// SHA-256 over everything below bin/. The engine hashes only the entrypoint that a script names, so
// each task takes this digest as an input: -resume then notices a change anywhere in the library.
def code_digest(bin) {
    def digest = java.security.MessageDigest.getInstance('SHA-256')
    def found = []
    bin.eachFileRecurse { path -> found << path }
    found
        .findAll { path -> path.isFile() && !path.toString().contains('__pycache__') && !path.name.startsWith('.') }
        .sort { path -> path.toString() }
        .each { path ->
            digest.update(bin.relativize(path).toString().getBytes('UTF-8'))
            digest.update(path.bytes)
        }
    return digest.digest().encodeHex().toString().take(16)
}
