// What a run has cost, from the engine's trace of its tasks.

// Trace (tab-separated, raw numbers), [ device, precision, reserved ] → table, tab-separated: a line for
// each process and one for the run. CPU hours are those that were used, reserved hours those that were
// asked for (CPUs × time); a task found in the cache costs nothing.
def cost_table(trace, gpu) {
    def lines = trace.readLines()
    def columns = lines[0].tokenize('\t')
    def tasks = lines.drop(1).collect { line -> [columns, line.split('\t', -1).toList()].transpose().collectEntries() }
    def spent = tasks.groupBy { task -> process_of(task) }
    def header = ['process', 'tasks', 'failed', 'cached', 'cpu_hours', 'reserved_cpu_hours', 'gpu_hours', 'peak_memory_mb']
    def rows = spent.collect { process, own -> cost_row(process, own, own.findAll { task -> had_gpu(task, gpu) }) }
    def gpu_tasks = tasks.findAll { task -> had_gpu(task, gpu) }
    return ([header] + rows.sort { row -> row[0] } + [cost_row('total', tasks, gpu_tasks)]).collect { row -> row.join('\t') + '\n' }.join('')
}

// Results of a run, [ device, precision, reserved ], whether it went well → pipeline_info/cost.tsv, and the
// same table in the report. The engine writes the trace to a bucket only after this, so there it is left.
def write_cost(outdir, gpu, complete) {
    def trace = outdir.resolve('pipeline_info/trace.txt')
    if (outdir.scheme != 'file' || !trace.exists()) {
        return
    }
    def cost = cost_table(trace.text, gpu)
    outdir.resolve('pipeline_info/cost.tsv').text = cost
    // a report of an earlier run is left alone
    def reports = complete ? ['multiqc/multiqc_report.html', 'training.html'] : []
    reports.each { name -> insert_cost(cost, outdir.resolve(name)) }
}

// Whether a task had a GPU for itself; the trace does not say. As in conf/gpu.config: reserved is whether
// that profile is used, and its scoring tasks give the GPU up at their third attempt with --device auto.
// Without the profile a task has one if --device says so.
def had_gpu(task, gpu) {
    def scores = process_of(task) in scoring_processes()
    if (!scores && !(process_of(task) in training_processes())) {
        return false
    }
    def given_up = scores && gpu.device == 'auto' && gpu.precision == 'fp32' && amount(task.attempt) > 2
    return gpu.reserved ? !given_up : gpu.device == 'cuda'
}

// Processes with the label process_scoring, by the names that the workflows give them
def scoring_processes() {
    return ['SCORE_VARIANTS', 'SCORE_BY_TEACHER', 'SCORE_BY_STUDENT', 'PREDICT_TRACKS', 'EVALUATE_MODEL',
        'EVALUATE_TEACHER', 'EVALUATE_STUDENT', 'CALIBRATE_MODEL']
}

// and those with process_training
def training_processes() {
    return ['TRAIN_MEMBER', 'ASK_TEACHER']
}

def process_of(task) {
    return task.name.tokenize(' ')[0].tokenize(':').last()
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

// Puts the table of cost_table() into a report that was published, if there is one. A link to the report
// is replaced by a file; in a folder that is itself a link into the work directory nothing is changed,
// because what a task has made stays as it is.
def insert_cost(table, report) {
    if (report.exists() && !java.nio.file.Files.isSymbolicLink(report.parent)) {
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
