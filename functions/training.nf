// What TRAIN_MEMBER reads of the parameters; -resume trains again only if one of these has changed.
def training_options(options) {
    return options.subMap([
        'context', 'channels', 'unfreeze', 'epochs', 'learning_rate', 'weight_decay', 'schedule', 'patience', 'loss',
        'focal_gamma', 'averaging', 'freeze_statistics', 'train_batch_size', 'window', 'sampled_share',
        'train_precision', 'device',
    ])
}
