// A part of the genes → what a big ensemble says of them and of mutated copies

include { shell_word } from '../../functions/shell_word'

process ASK_TEACHER {
    tag "${part}"
    label 'process_training'
    conda "${moduleDir}/environment.yml"

    input:
    val part // I/N
    tuple path(teacher, stageAs: 'teacher/*'), val(sums) // weights; 'SHA256  NAME' lines that they have to match, may be none
    path genome
    path genes
    val options // [ copies, held_out_one_in, seed, device ]
    val code_digest

    output:
    path "lessons_${part.replace('/', '_of_')}", emit: lessons
    tuple val("${task.process}"), val('torch'), eval('python3 -c "import importlib.metadata as m; print(m.version(\'torch\'))"'), topic: versions

    script:
    def verify = sums ? '--sha256 sums.txt' : ''
    """
    printf '%s\\n' ${shell_word(sums)} > sums.txt
    ask_teacher.py \\
        --teacher teacher ${verify} \\
        --fasta ${genome} \\
        --genes ${genes} \\
        --copies ${options.copies} \\
        --held-out-one-in ${options.held_out_one_in} \\
        --seed ${options.seed} \\
        --part ${part} \\
        --device ${options.device} \\
        --threads ${task.cpus} \\
        --output-dir lessons_${part.replace('/', '_of_')} \\
        ${task.ext.args ?: ''}
    """

    stub:
    """
    mkdir lessons_${part.replace('/', '_of_')}
    """
}
