// FASTA and annotation of one or more species in; a calibrated, evaluated model bundle out

include { CHECK_PACKAGES } from '../modules/check_packages'
include { PREPARE_GENOME  } from '../modules/prepare_genome'
include { PREPARE_GENES   } from '../modules/prepare_genes'
include { PREPARE_DATASET } from '../modules/prepare_dataset'
include { TRAIN_MEMBER    } from '../modules/train_member'
include { EXPORT_MODEL    } from '../modules/export_model'
include { CALIBRATE_MODEL } from '../modules/calibrate_model'
include { EVALUATE_MODEL  } from '../modules/evaluate_model'
include { FINISH_MODEL    } from '../modules/finish_model'
include { checkpoint_folder } from '../functions/inputs'
include { species_files   } from '../functions/species'
include { training_options } from '../functions/training'
include { publish_versions } from '../functions/versions'

workflow TRAIN {
    take:
    options // Map: the checked parameters
    initial // [ weight files that every member starts from, their SHA-256 ]; both empty to start from nothing
    code_digest // text: digest of the code below bin/

    main:
    def name = options.model_name ?: 'trained'
    def seeds = (0..<options.members).collect { member -> options.seed + member }

    // genome: [ species, genome/ ]; genes: [ species, genes.parquet ]
    def listed = species_files(options)
    def packages = ['torch'] + (options.keep_paralogs ? [] : ['mappy'])
    species = CHECK_PACKAGES(packages, code_digest).ready.flatMap { _ready -> listed }
    genome = PREPARE_GENOME(species.map { label, fasta, _annotation -> [label, fasta] }, code_digest).genome
    PREPARE_GENES(
        species.map { label, _fasta, annotation -> [label, annotation] }.join(genome),
        options.subMap(['transcripts', 'biotypes']),
        code_digest,
    )

    // train, validation, test: [ species, folder of shards ]
    PREPARE_DATASET(
        genome.join(PREPARE_GENES.out.genes),
        options.subMap([
            'split', 'test_share', 'validation_share', 'keep_intronless', 'keep_paralogs', 'min_identity',
            'min_coverage', 'seed',
        ]),
        code_digest,
    )
    train = folders(PREPARE_DATASET.out.train)
    validation = folders(PREPARE_DATASET.out.validation)
    test = folders(PREPARE_DATASET.out.test)

    // weights: [ seed, seed_42.pt ]
    TRAIN_MEMBER(
        channel.fromList(seeds),
        train,
        validation,
        initial,
        checkpoint_folder(options.checkpoints),
        training_options(options),
        code_digest,
    )

    // a member is named by its seed, and the ensemble is in the order of the seeds
    described = [name: name, info_tag: options.info_tag ?: 'SpliceFlow', card: card(options), sums: '', stored: null]
    EXPORT_MODEL(in_order(TRAIN_MEMBER.out.weights).map { weights -> [described, weights] }, code_digest)
    bundle = EXPORT_MODEL.out.bundle
    CALIBRATE_MODEL(bundle, validation, options.subMap(['device']), code_digest)
    EVALUATE_MODEL(bundle.map { folder -> [name, folder] }, test, options.subMap(['device', 'precision']), code_digest)
    FINISH_MODEL(
        bundle,
        CALIBRATE_MODEL.out.calibration,
        EVALUATE_MODEL.out.evaluation,
        in_order(TRAIN_MEMBER.out.log),
        in_order(TRAIN_MEMBER.out.run),
        PREPARE_DATASET.out.manifest.toSortedList { left, right -> left.name <=> right.name },
        [],
        options.subMap(['species', 'assembly', 'licence']) + [provenance: initial[0] ? "Started from ${options.pretrained}." : ''],
        code_digest,
    )
    publish_versions(channel.topic('versions'), options.outdir)

    emit:
    bundle = FINISH_MODEL.out.bundle // model/
    page = FINISH_MODEL.out.page // training.html
}

// [ species, folder ], … → the folders in the order of the names
def folders(named) {
    return named.toSortedList { left, right -> left[0] <=> right[0] }.map { rows -> rows.collect { row -> row[1] } }
}

def in_order(by_seed) {
    return by_seed.toSortedList { left, right -> left[0] <=> right[0] }.map { rows -> rows.collect { row -> row[1] } }
}

// What the weights' format alone would say of their origin does not hold for weights trained here.
def card(options) {
    return groovy.json.JsonOutput.toJson([licence: options.licence ?: '', citation: '', provenance: ''])
}
