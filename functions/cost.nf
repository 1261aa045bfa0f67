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

def hours_of(task) {
    return amount(task.realtime) / 3600000
}

def amount(text) {
    return text != null && text.isNumber() ? text.toDouble() : 0.0d
}

def rounded(hours) {
    return String.format(Locale.ROOT, '%.4f', (hours ?: 0.0d) as double)
}
