// Resolves many combinations of profiles with one start of the engine: prints one line of JSON for
// each, with its directives as a task sees them: on its first attempt without and with a GPU, and on
// its third.

def plain(value, seen) {
    if (value instanceof Closure) {
        def closure = value.clone()
        closure.delegate = seen
        closure.resolveStrategy = Closure.DELEGATE_FIRST
        try {
            return plain(closure.call(), seen)
        }
        catch (MissingPropertyException _fault) {
            return '(known to the task)'
        }
    }
    if (value instanceof Map) {
        return value.collectEntries { name, part -> [(name.toString()): plain(part, seen)] }
    }
    if (value instanceof List) {
        return value.collect { part -> plain(part, seen) }
    }
    return value instanceof Number || value instanceof Boolean || value == null ? value : value.toString()
}

workflow {
    def root = file("${projectDir}/../..")
    file(params.combinations).readLines().each { combination ->
        def (profile, given) = combination.tokenize(' ')
        def values = new groovy.json.JsonSlurper().parseText(given)
        def builder = new nextflow.config.ConfigBuilder().setBaseDir(root).setCurrentDir(root)
        // engines from 25.10 on take the parameters by themselves
        def config = builder.metaClass.respondsTo(builder, 'setCliParams')
            ? builder.setProfile(profile).setCliParams(values).build()
            : builder.setCmdRun(new nextflow.cli.CmdRun(profile: profile, params: values)).build()
        def first = [params: config.params, task: [process: 'ANY', attempt: 1, exitStatus: 0]]
        def gpu = first + [task: [process: 'ANY', attempt: 1, exitStatus: 0, accelerator: [request: 1, type: config.params.gpu_type]]]
        def third = first + [task: [process: 'ANY', attempt: 3, exitStatus: 137]]
        def scopes = config.subMap(['docker', 'podman', 'singularity', 'apptainer', 'charliecloud', 'conda', 'executor', 'k8s', 'aws', 'google', 'azure', 'manifest', 'trace', 'report', 'timeline', 'dag'])
        println('PROFILE ' + groovy.json.JsonOutput.toJson([
            profile: profile,
            process: plain(config.process, first),
            gpu_process: plain(config.process, gpu),
            third_process: plain(config.process, third),
            scopes: plain(scopes, gpu),
            params: plain(config.params.subMap(['model_cache']), gpu),
        ]))
    }
}
