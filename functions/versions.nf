// [ process, tool, version ], … → YAML text: versions of tools by process, and of the engine

def versions_yaml(found) {
    return found
        .map { process, tool, version -> "${process.tokenize(':').last()}:\n    ${tool}: ${version}\n" }
        .unique()
        .toSortedList()
        .map { entries ->
            (entries + "Workflow:\n    ${workflow.manifest.name}: ${workflow.manifest.version}\n    Nextflow: ${workflow.nextflow.version}\n").join('')
        }
}

// For workflows without a report: the versions as pipeline_info/versions.yml
def publish_versions(found, outdir) {
    versions_yaml(found).subscribe { text ->
        try {
            def written = file("${outdir}/pipeline_info/versions.yml")
            written.parent.mkdirs()
            written.text = text
        }
        catch (java.nio.channels.ClosedByInterruptException _stopped) {
            // a run that ends in an error interrupts its writers; its own message has to stand last
            log.debug('versions.yml is not written: the run is being stopped')
        }
    }
}
