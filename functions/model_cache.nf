// Bundles of catalogue models that are kept between runs, as --model_cache/NAME-DIGEST/bundle.
// Runs may look and keep at the same time, on several machines: a bundle is put together under a name of
// its own and renamed, and is taken only if each of its files has the SHA-256 that bundle.json states.

// The model of model_files() → its bundle in the cache, null if it has to be exported
def kept_bundle(model) {
    // model_files() names no files where none has to be fetched
    return model[0].stored && !model[1] ? file(model[0].stored, glob: false).resolve('bundle') : null
}

// Whether an earlier run left the bundle of a catalogue model in this folder; then nothing is fetched.
def is_kept(folder) {
    def bundle = folder.resolve('bundle')
    // in a bucket the description comes last: without it another run may be at work
    if (!bundle.exists() || (!is_local(folder) && !bundle.resolve('bundle.json').exists())) {
        return false
    }
    if (!is_whole(bundle)) {
        error("The model kept in ${folder.toUriString()} is not complete or was changed: delete that folder and run again")
    }
    return true
}

// What EXPORT_MODEL made, the model of model_files() → the bundle in the cache: this one, or that of a run
// that was faster. A bundle that can't be kept, or isn't to be, is used where it is.
def keep_bundle(made, model) {
    if (!model[0].stored) {
        return made
    }
    def folder = file(model[0].stored, glob: false)
    def kept = folder.resolve('bundle')
    def partial = folder.resolve(".bundle.${UUID.randomUUID()}.partial")
    def fault = null
    try {
        folder.mkdirs()
        if (is_local(folder) && !kept.exists()) {
            put_bundle(made, partial)
            java.nio.file.Files.move(partial, kept, java.nio.file.StandardCopyOption.ATOMIC_MOVE)
        }
        else if (!is_local(folder) && !is_whole(kept)) {
            put_bundle(made, kept) // a bucket renames nothing
        }
    }
    catch (Exception stopped) {
        // another run's bundle stands there, or the disk is full, …
        fault = stopped
    }
    if (partial.exists()) {
        partial.deleteDir()
    }
    if (is_whole(kept)) {
        return kept
    }
    log.warn("The model is not kept in ${folder.toUriString()}: ${fault?.message ?: fault ?: 'what stands there is not complete'}")
    return made
}

// The description comes last: what has one is whole
def put_bundle(made, place) {
    place.mkdirs()
    def members = made.listFiles().findAll { child -> child.name != 'bundle.json' }
    members.each { member -> member.copyTo(place.resolve(member.name)) }
    made.resolve('bundle.json').copyTo(place.resolve('bundle.json'))
}

def is_whole(bundle) {
    try {
        def sums = new groovy.json.JsonSlurper().parse(bundle.resolve('bundle.json')).files
        return sums && sums.every { name, sum -> bundle.resolve(name).bytes.digest('SHA-256') == sum }
    }
    catch (Exception _fault) {
        return false
    }
}

def is_local(path) {
    return path.fileSystem == java.nio.file.FileSystems.default
}
