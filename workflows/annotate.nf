// Variants of a cohort in; the same files with splice scores, a table and a report out

include { PREPARE_GENOME } from '../modules/prepare_genome'
include { PREPARE_GENES  } from '../modules/prepare_genes'
include { EXPORT_MODEL   } from '../modules/export_model'
include { SHARD_VARIANTS } from '../modules/shard_variants'
include { SCORE_VARIANTS } from '../modules/score_variants'
include { STORE_SCORES   } from '../modules/store_scores'
include { MERGE_SCORES   } from '../modules/merge_scores'
include { ANNOTATE_VCF   } from '../modules/annotate_vcf'
include { REPORT         } from '../modules/report'
include { existing_file ; model_files ; score_store ; variant_files } from '../functions/inputs'
include { keep_bundle ; kept_bundle } from '../functions/model_cache'
include { expected_cost  } from '../functions/cost'
include { versions_yaml  } from '../functions/versions'

workflow ANNOTATE {
    take:
    options // Map: the checked parameters
    catalogue // Map: the model catalogue
    code_digest // text: digest of the code below bin/

    main:
    // every file that the user named is looked up here, before a process starts
    def inputs = variant_files(options.input) // [ [ name, file ], … ]
    def fasta = existing_file(options.fasta, '--fasta')
    def annotation = existing_file(options.annotation, '--annotation')
    def model = model_files(options.model, options, catalogue, code_digest) // [ [ name, … ], [ files ] ]

    def store = score_store(options.score_store) // [ address, folder ]
    def made_with = options.subMap(['distance', 'mask', 'calibrated', 'precision'])

    // genome, genes, bundle: one folder or file each, used by every later step
    genome = PREPARE_GENOME(['', fasta], code_digest).genome.map { _species, folder -> folder }
    PREPARE_GENES(
        genome.map { folder -> ['', annotation, folder] },
        options.subMap(['transcripts', 'biotypes']),
        code_digest,
    )
    genes = PREPARE_GENES.out.genes.map { _species, table -> table }
    bundle = kept_bundle(model)
        ? channel.value(kept_bundle(model))
        : EXPORT_MODEL(model, code_digest).bundle.map { made -> keep_bundle(made, model) }

    // shards: shard_00001.parquet, … ; the same allele in many files is in one shard once
    SHARD_VARIANTS(
        inputs.collect { name, _vcf -> name },
        inputs.collect { _name, vcf -> vcf },
        genome,
        genes,
        bundle,
        options.subMap(['distance', 'left_align', 'shard_cost']) + (options.score_store ? made_with : [:]),
        store,
        code_digest,
    )
    SHARD_VARIANTS.out.summary.subscribe { summary -> log.info(expected_cost(summary)) }
    shards = SHARD_VARIANTS.out.shards.flatten()

    // scores: [ shard_00001, shard_00001.scores.parquet ]
    SCORE_VARIANTS(
        shards,
        genome,
        genes,
        bundle,
        options.subMap(['distance', 'mask', 'calibrated', 'device', 'engine', 'precision', 'batch_size']),
        code_digest,
    )
    // what is new goes into the store; what the store had is merged like one more shard
    if (options.score_store) {
        STORE_SCORES(in_order(SCORE_VARIANTS.out.scores), genome, genes, bundle, made_with, store, code_digest)
    }
    MERGE_SCORES(
        in_order(SCORE_VARIANTS.out.scores.mix(SHARD_VARIANTS.out.known.map { known -> ['known', known] })),
        SHARD_VARIANTS.out.unscored,
        genome,
        code_digest,
    )
    scores = MERGE_SCORES.out.scores

    // annotated: [ name, annotated.vcf.gz, annotated.vcf.gz.tbi ]
    ANNOTATE_VCF(
        channel.fromList(inputs),
        scores,
        SHARD_VARIANTS.out.spellings,
        genes,
        genome,
        bundle,
        options.subMap(['distance', 'mask', 'calibrated', 'decimals']),
        code_digest,
    )

    REPORT(
        scores,
        PREPARE_GENES.out.summary,
        SHARD_VARIANTS.out.summary,
        in_order(SCORE_VARIANTS.out.summary),
        in_order(ANNOTATE_VCF.out.summary),
        bundle,
        groovy.json.JsonOutput.toJson(options),
        versions_yaml(channel.topic('versions')),
        code_digest,
    )

    emit:
    scores = scores // scores.parquet
    vcf = ANNOTATE_VCF.out.vcf // [ name, annotated.vcf.gz, annotated.vcf.gz.tbi ]
    report = REPORT.out.report // multiqc/
}

// [ name, file ], … in any order → one list of the files by name, so that -resume finds its inputs again
def in_order(named) {
    return named.toSortedList { left, right -> left[0] <=> right[0] }.map { rows -> rows.collect { row -> row[1] } }
}
