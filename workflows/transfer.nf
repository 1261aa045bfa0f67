// A trained model and another species in; a model of that species out

include { TRAIN        } from './train'
include { weight_files } from '../functions/inputs'

workflow TRANSFER {
    take:
    options // Map: the checked parameters
    catalogue // Map: the model catalogue
    code_digest // text: digest of the code below bin/

    main:
    TRAIN(options, weight_files(options.pretrained, '--pretrained', catalogue), code_digest)

    emit:
    bundle = TRAIN.out.bundle // model/
    page = TRAIN.out.page // training.html
}
