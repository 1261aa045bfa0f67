import groovy.json.JsonSlurper

// Parquet files, read by the Python that the processes run with.
class Table {

    // A file, or a folder of files → its rows, [ column: value, … ]; bytes come as their number
    static List<Map> rows(Object path) {
        def script = 'import json, sys, pyarrow.parquet as pq; print(json.dumps(pq.read_table(sys.argv[1]).to_pylist(), default=len))'
        def reader = ['python3', '-c', script, path.toString()].execute()
        def text = new StringBuilder()
        def fault = new StringBuilder()
        reader.waitForProcessOutput(text, fault)
        if (reader.exitValue() != 0) {
            throw new IllegalStateException("${path} is not Parquet: ${fault}")
        }
        return new JsonSlurper().parseText(text.toString()) as List<Map>
    }
}
