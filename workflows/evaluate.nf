// Any model and any annotation in; top-k accuracy, AUPRC, precision, recall and F1 out

include { PREPARE_GENOME  } from '../modules/prepare_genome'
include { PREPARE_GENES   } from '../modules/prepare_genes'
include { PREPARE_DATASET } from '../modules/prepare_dataset'
include { EXPORT_MODEL    } from '../modules/export_model'
include { EVALUATE_MODEL  } from '../modules/evaluate_model'
include { model_files ; name_of_model } from '../functions/inputs'
include { keep_bundle ; kept_bundle } from '../functions/model_cache'
include { species_files   } from '../functions/species'
include { publish_versions } from '../functions/versions'

workflow EVALUATE {
    take:
    options // Map: the checked parameters
    catalogue // Map: the model catalogue
    code_digest // text: digest of the code below bin/

    main:
    def model = model_files(options.model, options, catalogue, code_digest)
    def name = name_of_model(options)

    // genome: [ species, genome/ ]; genes: [ species, genes.parquet ]
    species = channel.fromList(species_files(options))
    genome = PREPARE_GENOME(species.map { label, fasta, _annotation -> [label, fasta] }, code_digest).genome
    PREPARE_GENES(
        species.map { label, _fasta, annotation -> [label, annotation] }.join(genome),
        options.subMap(['transcripts', 'biotypes']),
        code_digest,
    )

    // test: [ species, folder of shards ]; every gene is evaluated
    PREPARE_DATASET(
        genome.join(PREPARE_GENES.out.genes),
        options.subMap([
            'test_share', 'validation_share', 'keep_intronless', 'min_identity', 'min_coverage', 'seed',
        ]) + [split: 'none', keep_paralogs: true],
        code_digest,
    )
    bundle = kept_bundle(model)
        ? channel.value(kept_bundle(model))
        : EXPORT_MODEL(model, code_digest).bundle.map { made -> keep_bundle(made, model) }
    EVALUATE_MODEL(
        bundle.map { folder -> [name, folder] },
        PREPARE_DATASET.out.test.map { _species, folder -> folder }.toSortedList(),
        options.subMap(['device', 'precision']),
        code_digest,
    )
    publish_versions(channel.topic('versions'), options.outdir)

    emit:
    evaluation = EVALUATE_MODEL.out.evaluation // NAME.evaluation.csv
}
