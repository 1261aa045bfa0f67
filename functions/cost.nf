// What a run has cost, from the engine's trace of its tasks.

// Trace (tab-separated, raw numbers), names of the processes that had a GPU → table, tab-separated:
// a line for each process and one for the run. CPU hours are those that were used, reserved hours
// those that were asked for (CPUs × time); a task found in the cache costs nothing.
def cost_table(trace, on_gpu) {
    def lines = trace.readLines()
    def columns = lines[0].tokenize('\t')
    def tasks = lines.drop(1).collect { line -> [columns, line.split('\t', -1).toList()].transpose().collectEntries() }
    def spent = tasks.groupBy { task -> task.name.tokenize(' ')[0].tokenize(':').last() }
    def header = ['process', 'tasks', 'failed', 'cached', 'cpu_hours', 'reserved_cpu_hours', 'gpu_hours', 'peak_memory_mb']
    def rows = spent.collect { process, own -> cost_row(process, own, process in on_gpu ? own : []) }
    def gpu_tasks = spent.findAll { process, _own -> process in on_gpu }.values().flatten()
    return ([header] + rows.sort { row -> row[0] } + [cost_row('total', tasks, gpu_tasks)]).collect { row -> row.join('\t') + '\n' }.join('')
}

def cost_row(process, tasks, gpu_tasks) {
    def ran = tasks.findAll { task -> task.status != 'CACHED' }
    return [
        process,
        tasks.size(),
        tasks.count { task -> task.status in ['FAILED', 'ABORTED'] },
        tasks.size() - ran.size(),
        rounded(ran.sum { task -> hours_of(task) * amount(task.get('%cpu')) / 100 }),
        rounded(ran.sum { task -> hours_of(task) * amount(task.cpus) }),
        rounded(gpu_tasks.findAll { task -> task.status != 'CACHED' }.sum { task -> hours_of(task) }),
        Math.round((tasks.collect { task -> amount(task.peak_rss) }.max() ?: 0) / 1048576),
    ]
}

// Puts the table of cost_table() into a report that was published, if there is one
def insert_cost(table, report) {
    if (report.exists()) {
        def partial = report.resolveSibling(".${report.name}.partial")
        partial.text = with_cost(table, report.text)
        partial.moveTo(report)
    }
}

// The table of cost_table() and a report → the report with the table in it, if it has a place for one:
// what stands between the two marks of spliceflow.report.content is replaced
def with_cost(table, page) {
    def (begin, end) = ['<!-- cost by process -->', '<!-- end of cost by process -->']
    def first = page.indexOf(begin)
    def last = page.indexOf(end)
    if (first < 0 || last < first) {
        return page
    }
    def titles = ['Process', 'Tasks', 'Failed', 'Cached', 'CPU hours', 'CPU hours reserved', 'GPU hours', 'Peak memory, MB']
    def rows = table.readLines().drop(1).collect { line -> line.tokenize('\t') }
    def html = '<table class="table table-sm"><thead>' + html_row('th', titles) + '</thead><tbody>' +
        rows.collect { row -> html_row('td', row) }.join('') + '</tbody></table>'
    return page.substring(0, first) + begin + html + page.substring(last)
}

def html_row(tag, texts) {
    def cells = texts.withIndex().collect { text, at -> "<${tag}${at ? ' style="text-align: right"' : ''}>${text}</${tag}>" }
    return "<tr>${cells.join('')}</tr>"
}

// Summary of SHARD_VARIANTS (JSON) → what is about to be scored, and the CPU time it should take
def expected_cost(summary) {
    def found = new groovy.json.JsonSlurper().parse(summary)
    def hours = found.estimated_cpu_hours ?: 0.0d
    def time = hours < 0.02 ? 'less than a minute' : hours < 2 ? "about ${Math.round(hours * 60)} minutes" : "about ${Math.round(hours)} hours"
    return found.shard_rows
        ? String.format(Locale.ROOT, '%,d pairs of allele and gene to score, in shards: %,d; %s of CPU time, if on CPUs', found.shard_rows, found.shards, time)
        : 'No pair of allele and gene is left to score'
}

def hours_of(task) {
    return amount(task.realtime) / 3600000
}

def amount(text) {
    return text != null && text.isNumber() ? text.toDouble() : 0.0d
}

def rounded(hours) {
    return String.format(Locale.ROOT, '%.4f', (hours ?: 0.0d) as double)
}
