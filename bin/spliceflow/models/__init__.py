"""Model bundles, network architectures, weight importers and ONNX export."""
