// One seed → one trained network

include { shell_word } from '../../functions/shell_word'

process TRAIN_MEMBER {
    tag "seed ${seed}"
    label 'process_training'
    conda "${moduleDir}/environment.yml"

    input:
    val seed
    path train, stageAs: 'train/?'
    path validation, stageAs: 'validation/?' // may be none
    tuple path(initial, stageAs: 'initial/*'), val(sums) // weights to start from, may be none; 'SHA256  NAME' lines that they have to match
    path checkpoints, stageAs: 'checkpoints' // folder that outlives the task, may be none
    val options // those of training_options() in functions/training.nf
    val code_digest

    output:
    tuple val(seed), path("seed_${seed}.pt"), emit: weights
    tuple val(seed), path("seed_${seed}.log.csv"), emit: log
    tuple val(seed), path("seed_${seed}.run.json"), emit: run
    tuple val("${task.process}"), val('torch'), eval('python3 -c "import importlib.metadata as m; print(m.version(\'torch\'))"'), topic: versions

    script:
    def start = initial ? '--initial-weights initial' : ''
    def checked = validation ? '--validation validation/*' : ''
    // With a folder for checkpoints, a task that is tried again goes on where the last one ended.
    def kept = checkpoints ? '--checkpoints checkpoints/members' : ''
    def verify = sums ? '--sha256 sums.txt' : ''
    """
    printf '%s\\n' ${shell_word(sums)} > sums.txt
    train_member.py \\
        --dataset train/* ${checked} ${start} ${verify} ${kept} \\
        --context ${options.context} \\
        --channels ${options.channels} \\
        --unfreeze ${options.unfreeze} \\
        --epochs ${options.epochs} \\
        --learning-rate ${options.learning_rate} \\
        --weight-decay ${options.weight_decay} \\
        --schedule ${options.schedule} \\
        ${options.patience ? "--patience ${options.patience}" : ''} \\
        --loss ${options.loss} \\
        --focal-gamma ${options.focal_gamma} \\
        --averaging ${options.averaging} ${options.freeze_statistics ? '--freeze-statistics' : ''} \\
        --batch-size ${options.train_batch_size} \\
        --outputs ${options.window} \\
        ${options.sampled_share ? "--sampled-share ${options.sampled_share}" : ''} \\
        --seed ${seed} \\
        --precision ${options.train_precision} \\
        --device ${options.device} \\
        --threads ${task.cpus} \\
        --output-dir training \\
        ${task.ext.args ?: ''}
    mv training/weights.pt seed_${seed}.pt
    mv training/log.csv seed_${seed}.log.csv
    mv training/run.json seed_${seed}.run.json
    """

    stub:
    """
    touch seed_${seed}.pt seed_${seed}.log.csv
    echo '{}' > seed_${seed}.run.json
    """
}
