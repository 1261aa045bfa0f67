// A region in; every substitution of it scored, as a table and a heat map, out

include { PREPARE_GENOME        } from '../modules/prepare_genome'
include { PREPARE_GENES         } from '../modules/prepare_genes'
include { EXPORT_MODEL          } from '../modules/export_model'
include { PROPOSE_SUBSTITUTIONS } from '../modules/propose_substitutions'
include { SCORE_VARIANTS        } from '../modules/score_variants'
include { DRAW_MUTAGENESIS      } from '../modules/draw_mutagenesis'
include { existing_file ; model_files } from '../functions/inputs'
include { keep_bundle ; kept_bundle } from '../functions/model_cache'
include { publish_versions } from '../functions/versions'

workflow MUTAGENESIS {
    take:
    options // Map: the checked parameters
    catalogue // Map: the model catalogue
    code_digest // text: digest of the code below bin/

    main:
    def fasta = existing_file(options.fasta, '--fasta')
    def annotation = existing_file(options.annotation, '--annotation')
    def model = model_files(options.model, options, catalogue, code_digest)

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
    PROPOSE_SUBSTITUTIONS(genome, genes, options.regions, code_digest)
    SCORE_VARIANTS(
        PROPOSE_SUBSTITUTIONS.out.shard,
        genome,
        genes,
        bundle,
        options.subMap(['distance', 'mask', 'calibrated', 'device', 'engine', 'precision', 'batch_size']),
        code_digest,
    )
    DRAW_MUTAGENESIS(SCORE_VARIANTS.out.scores.map { _shard, scores -> scores }, options.regions, code_digest)
    publish_versions(channel.topic('versions'), options.outdir)

    emit:
    mutagenesis = DRAW_MUTAGENESIS.out.mutagenesis // mutagenesis/
}
