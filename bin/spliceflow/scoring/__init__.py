"""Variant and genome scoring with ONNX Runtime; never imports torch."""
