// A big ensemble and genes in; one small network that answers like it, compared with it, out

include { CHECK_PACKAGES } from '../modules/check_packages'
include { PREPARE_GENOME   } from '../modules/prepare_genome'
include { PREPARE_GENES    } from '../modules/prepare_genes'
include { ASK_TEACHER      } from '../modules/ask_teacher'
include { TRAIN_MEMBER     } from '../modules/train_member'
include { PREPARE_DATASET  } from '../modules/prepare_dataset'
include { PROPOSE_VARIANTS } from '../modules/propose_variants'
include { COMPARE_MODELS   } from '../modules/compare_models'
include { FINISH_MODEL     } from '../modules/finish_model'
include { EXPORT_MODEL as EXPORT_TEACHER } from '../modules/export_model'
include { EXPORT_MODEL as EXPORT_STUDENT } from '../modules/export_model'
include { SCORE_VARIANTS as SCORE_BY_TEACHER } from '../modules/score_variants'
include { SCORE_VARIANTS as SCORE_BY_STUDENT } from '../modules/score_variants'
include { EVALUATE_MODEL as EVALUATE_TEACHER } from '../modules/evaluate_model'
include { EVALUATE_MODEL as EVALUATE_STUDENT } from '../modules/evaluate_model'
include { checkpoint_folder ; existing_file ; model_files ; weight_files } from '../functions/inputs'
include { keep_bundle ; kept_bundle } from '../functions/model_cache'
include { training_options } from '../functions/training'
include { publish_versions } from '../functions/versions'

workflow DISTIL {
    take:
    options // Map: the checked parameters
    catalogue // Map: the model catalogue
    code_digest // text: digest of the code below bin/

    main:
    def name = options.model_name ?: 'student'
    def teaching = weight_files(options.teacher, '--teacher', catalogue) // [ [ files ], SHA-256 ]
    def ensemble = model_files(options.teacher, options + [model_name: null], catalogue, code_digest) // [ [ name, … ], [ files ] ]
    def start = options.pretrained ? ", starting from ${options.pretrained}" : ''
    def initial = options.pretrained ? weight_files(options.pretrained, '--pretrained', catalogue) : [[], '']

    def species = options.model_name ?: 'species'
    def fasta = existing_file(options.fasta, '--fasta')
    def annotation = existing_file(options.annotation, '--annotation')

    reference = CHECK_PACKAGES(['torch'], code_digest).ready.map { _ready -> [species, fasta] }
    genome = PREPARE_GENOME(reference, code_digest).genome.map { _species, folder -> folder }
    PREPARE_GENES(
        genome.map { folder -> [species, annotation, folder] },
        options.subMap(['transcripts', 'biotypes']),
        code_digest,
    )
    genes = PREPARE_GENES.out.genes.map { _species, table -> table }

    // lessons: a folder of shards for each part of the genes
    ASK_TEACHER(
        channel.fromList((1..options.teacher_tasks).collect { part -> "${part}/${options.teacher_tasks}".toString() }),
        teaching,
        genome,
        genes,
        options.subMap(['copies', 'held_out_one_in', 'seed', 'device']),
        code_digest,
    )
    // one student; its batch norms keep the statistics of the weights it starts from
    TRAIN_MEMBER(
        channel.of(options.seed),
        ASK_TEACHER.out.lessons.toSortedList { left, right -> left.name <=> right.name },
        [],
        initial,
        checkpoint_folder(options.checkpoints),
        training_options(options) + [schedule: 'cosine', averaging: 0.995, freeze_statistics: !initial[0].isEmpty(), patience: 0],
        code_digest,
    )
    described = [name: name, info_tag: options.info_tag ?: 'SpliceFlow', card: '{}', sums: '', stored: null]
    student = EXPORT_STUDENT(TRAIN_MEMBER.out.weights.map { _seed, weights -> [described, [weights]] }, code_digest).bundle
    teacher = kept_bundle(ensemble)
        ? channel.value(kept_bundle(ensemble))
        : EXPORT_TEACHER(ensemble, code_digest).bundle.map { made -> keep_bundle(made, ensemble) }

    // held-out genes: sites against the annotation, delta scores against the teacher
    PREPARE_DATASET(
        genome.combine(genes).map { folder, table -> [species, folder, table] },
        options.subMap([
            'test_share', 'validation_share', 'keep_intronless', 'min_identity', 'min_coverage', 'held_out_one_in',
            'seed',
        ]) + [split: 'none', keep_paralogs: true],
        code_digest,
    )
    held_out = PREPARE_DATASET.out.test.map { _species, folder -> folder }.toSortedList()
    EVALUATE_TEACHER(teacher.map { folder -> ['teacher', folder] }, held_out, options.subMap(['device', 'precision']), code_digest)
    EVALUATE_STUDENT(student.map { folder -> [name, folder] }, held_out, options.subMap(['device', 'precision']), code_digest)

    PROPOSE_VARIANTS(genome, genes, options.subMap(['held_out_one_in']), code_digest)
    scoring = options.subMap(['distance', 'device', 'engine', 'precision', 'batch_size']) + [mask: false, calibrated: false]
    SCORE_BY_TEACHER(PROPOSE_VARIANTS.out.shard, genome, genes, teacher, scoring, code_digest)
    SCORE_BY_STUDENT(PROPOSE_VARIANTS.out.shard, genome, genes, student, scoring, code_digest)
    COMPARE_MODELS(
        SCORE_BY_TEACHER.out.scores.map { _shard, scores -> scores },
        SCORE_BY_STUDENT.out.scores.map { _shard, scores -> scores },
        SCORE_BY_TEACHER.out.summary.map { _shard, summary -> summary },
        SCORE_BY_STUDENT.out.summary.map { _shard, summary -> summary },
        code_digest,
    )
    FINISH_MODEL(
        student,
        [],
        EVALUATE_TEACHER.out.evaluation.mix(EVALUATE_STUDENT.out.evaluation).toSortedList { left, right -> left.name <=> right.name },
        TRAIN_MEMBER.out.log.map { _seed, log -> log },
        TRAIN_MEMBER.out.run.map { _seed, run -> run },
        [],
        COMPARE_MODELS.out.agreement,
        options.subMap(['species', 'assembly', 'licence']) + [provenance: "Distilled from ${options.teacher}${start}."],
        code_digest,
    )
    publish_versions(channel.topic('versions'), options.outdir)

    emit:
    bundle = FINISH_MODEL.out.bundle // model/
    page = FINISH_MODEL.out.page // training.html
    agreement = COMPARE_MODELS.out.agreement // agreement.json
}
