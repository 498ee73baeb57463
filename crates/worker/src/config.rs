//! The settings of a worker.

use std::time::Duration;

pub use aws_config::SdkConfig;
use aws_config::{BehaviorVersion, timeout::TimeoutConfig};
use aws_smithy_http_client::tls::{Provider, rustls_provider::CryptoMode};

/// A required environment variable is missing.
#[derive(Debug, thiserror::Error)]
#[error("the environment variable {name} is not set; the template of this worker must set it")]
pub struct MissingSetting {
    name: &'static str,
}

/// Reads an environment variable that the template sets.
///
/// # Errors
/// When it is not set.
pub fn setting(name: &'static str) -> Result<String, MissingSetting> {
    std::env::var(name).map_err(|_| MissingSetting { name })
}

/// The configuration of all SDK clients: one TLS stack, and a timeout for each call.
pub async fn aws_config() -> SdkConfig {
    // Shorter than the function's timeout (at least 60 seconds), so that the worker can still report the error.
    let timeouts = TimeoutConfig::builder()
        .connect_timeout(Duration::from_secs(3))
        .operation_attempt_timeout(Duration::from_secs(20))
        .operation_timeout(Duration::from_secs(45))
        .build();
    let http = aws_smithy_http_client::Builder::new().tls_provider(Provider::Rustls(CryptoMode::Ring)).build_https();
    aws_config::defaults(BehaviorVersion::latest()).http_client(http).timeout_config(timeouts).load().await
}
