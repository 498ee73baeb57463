//! What a worker is told when it starts.

use std::time::Duration;

pub use aws_config::SdkConfig;
use aws_config::{BehaviorVersion, timeout::TimeoutConfig};
use aws_smithy_http_client::tls::{Provider, rustls_provider::CryptoMode};

/// An environment variable is missing: the deployment and the worker disagree.
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

/// The configuration of all SDK clients: one TLS stack, and no call without an end.
pub async fn aws_config() -> SdkConfig {
    // A call that hangs is cut here, so that the function (60 seconds at least) lives to report it by its name.
    let timeouts = TimeoutConfig::builder()
        .connect_timeout(Duration::from_secs(3))
        .operation_attempt_timeout(Duration::from_secs(20))
        .operation_timeout(Duration::from_secs(45))
        .build();
    let http = aws_smithy_http_client::Builder::new().tls_provider(Provider::Rustls(CryptoMode::Ring)).build_https();
    aws_config::defaults(BehaviorVersion::latest()).http_client(http).timeout_config(timeouts).load().await
}
