// Prints the table of costs that a trace comes to, and a report with it: twice, as after -resume.

include { cost_table ; with_cost } from '../../functions/cost'

workflow {
    def table = cost_table(file(params.trace).text, ['SCORE_VARIANTS'])
    print(table)
    def page = 'before <!-- cost by process --><!-- end of cost by process --> after'
    println(with_cost(table, with_cost(table, page)) == with_cost(table, page))
    println(with_cost(table, 'no place'))
    print(with_cost(table, page))
}
