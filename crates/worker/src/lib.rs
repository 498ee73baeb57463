//! The kit of the Lambda workers: the only code that knows lambda_runtime
