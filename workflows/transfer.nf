// A trained model and another species in; a model of that species out

include { TRAIN       } from './train'
include { model_files } from '../functions/inputs'

workflow TRANSFER {
    take:
    options // Map: the checked parameters
    catalogue // Map: the model catalogue
    code_digest // text: digest of the code below bin/

    main:
    def pretrained = model_files(options.pretrained, options, catalogue, code_digest)[1]
    TRAIN(options, pretrained, code_digest)

    emit:
    bundle = TRAIN.out.bundle // model/
    page = TRAIN.out.page // training.html
}
