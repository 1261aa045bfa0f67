// Prints tables of costs that a trace comes to, and a report with one: twice, as after -resume.

include { cost_table ; with_cost ; write_cost } from '../../functions/cost'

workflow {
    def trace = file(params.trace).text
    def table = cost_table(trace, [device: 'cuda', precision: 'fp32', reserved: false])
    print(table)
    def page = 'before <!-- cost by process --><!-- end of cost by process --> after'
    println(with_cost(table, with_cost(table, page)) == with_cost(table, page))
    println(with_cost(table, 'no place'))
    print(with_cost(table, page))
    println()
    [
        [device: 'cuda', precision: 'fp32', reserved: true],
        [device: 'auto', precision: 'fp32', reserved: true],
        [device: 'auto', precision: 'tf32', reserved: true],
        [device: 'auto', precision: 'fp32', reserved: false],
        [device: 'cpu', precision: 'fp32', reserved: false],
    ].each { gpu ->
        def hours = cost_table(trace, gpu).readLines().last().tokenize('\t')[6]
        println("GPU HOURS ${gpu.device} ${gpu.precision} ${gpu.reserved} ${hours}")
    }
    write_cost(file(params.results), [device: 'cpu', precision: 'fp32', reserved: false], true)
    write_cost(file('http://127.0.0.1:9/results'), [device: 'cpu', precision: 'fp32', reserved: false], true)
}
