// Prints the table of costs that a trace comes to.

include { cost_table } from '../../functions/cost'

workflow {
    print(cost_table(file(params.trace).text, ['SCORE_VARIANTS']))
}
