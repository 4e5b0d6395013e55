"""Records written for TensorBoard, MLflow and Weights & Biases."""
