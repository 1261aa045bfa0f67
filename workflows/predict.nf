// A genome, regions or genes in; tracks of acceptor and donor probabilities out

include { PREPARE_GENOME } from '../modules/prepare_genome'
include { PREPARE_GENES  } from '../modules/prepare_genes'
include { EXPORT_MODEL   } from '../modules/export_model'
include { PLAN_REGIONS   } from '../modules/plan_regions'
include { PREDICT_TRACKS } from '../modules/predict_tracks'
include { MERGE_TRACKS   } from '../modules/merge_tracks'
include { chosen_regions ; existing_file ; model_files } from '../functions/inputs'
include { keep_bundle ; kept_bundle } from '../functions/model_cache'
include { publish_versions } from '../functions/versions'

workflow PREDICT {
    take:
    options // Map: the checked parameters
    catalogue // Map: the model catalogue
    code_digest // text: digest of the code below bin/

    main:
    def fasta = existing_file(options.fasta, '--fasta')
    def model = model_files(options.model, options, catalogue, code_digest)
    def (region, bed) = chosen_regions(options)

    genome = PREPARE_GENOME(['', fasta], code_digest).genome.map { _species, folder -> folder }
    bundle = kept_bundle(model)
        ? channel.value(kept_bundle(model))
        : EXPORT_MODEL(model, code_digest).bundle.map { made -> keep_bundle(made, model) }
    // with an annotation each gene is read alone, as variants are scored
    genes = []
    if (options.annotation) {
        def annotation = existing_file(options.annotation, '--annotation')
        PREPARE_GENES(
            genome.map { folder -> ['', annotation, folder] },
            options.subMap(['transcripts', 'biotypes']),
            code_digest,
        )
        genes = PREPARE_GENES.out.genes.map { _species, table -> table }
    }
    PLAN_REGIONS(
        genome,
        genes,
        bed,
        options.subMap(['strand', 'bases_per_task']) + [regions: region],
        code_digest,
    )

    // tracks: regions_00001.tracks.parquet, …
    PREDICT_TRACKS(
        PLAN_REGIONS.out.regions.flatten(),
        genome,
        genes,
        bundle,
        options.subMap(['min_probability', 'calibrated', 'device', 'precision']),
        code_digest,
    )
    MERGE_TRACKS(
        PREDICT_TRACKS.out.tracks.toSortedList { left, right -> left.name <=> right.name },
        genome,
        options.subMap(['bed_probability']),
        code_digest,
    )
    publish_versions(channel.topic('versions'), options.outdir)

    emit:
    sites = MERGE_TRACKS.out.sites // sites/
}
