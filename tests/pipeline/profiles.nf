// Resolves many combinations of profiles with one start of the engine: prints one line of JSON for
// each, with its directives as a task sees them on its first attempt, with and without a GPU.

def plain(value, task, given) {
    if (value instanceof Closure) {
        def closure = value.clone()
        closure.delegate = [task: task, params: given]
        closure.resolveStrategy = Closure.DELEGATE_FIRST
        try {
            return plain(closure.call(), task, given)
        }
        catch (MissingPropertyException _fault) {
            return '(known to the task)'
        }
    }
    if (value instanceof Map) {
        return value.collectEntries { name, part -> [(name.toString()): plain(part, task, given)] }
    }
    if (value instanceof List) {
        return value.collect { part -> plain(part, task, given) }
    }
    return value instanceof Number || value instanceof Boolean || value == null ? value : value.toString()
}

workflow {
    def root = file("${projectDir}/../..")
    file(params.combinations).readLines().each { combination ->
        def (profile, given) = combination.tokenize(' ')
        def config = new nextflow.config.ConfigBuilder()
            .setBaseDir(root)
            .setCurrentDir(root)
            .setCmdRun(new nextflow.cli.CmdRun(profile: profile, params: new groovy.json.JsonSlurper().parseText(given)))
            .build()
        def gpu = [attempt: 1, exitStatus: 0, accelerator: [request: 1, type: config.params.gpu_type]]
        def scopes = config.subMap(['docker', 'podman', 'singularity', 'apptainer', 'charliecloud', 'conda', 'executor', 'k8s', 'aws', 'google', 'azure', 'manifest'])
        println('PROFILE ' + groovy.json.JsonOutput.toJson([
            profile: profile,
            process: plain(config.process, [attempt: 1, exitStatus: 0], config.params),
            gpu_process: plain(config.process, gpu, config.params),
            scopes: plain(scopes, gpu, config.params),
        ]))
    }
}
