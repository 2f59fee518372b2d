//! Models: the only crate that knows ONNX Runtime, CUDA and image tensors.
