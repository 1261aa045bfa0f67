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
