//! Where the commands go: the local AWS of the repository, or an AWS account.

use std::fmt;
use std::fs;
use std::net::{TcpStream, ToSocketAddrs as _};
use std::path::{Path, PathBuf};
use std::time::Duration;

use aws_config::{BehaviorVersion, Region, SdkConfig};
use aws_sdk_s3::config::Credentials;
use aws_smithy_http_client::{Builder, tls};
use serde::Deserialize;

use crate::error::{Error, require_credentials};

/// What the operator chose. Nothing chosen means the local AWS when one is up.
#[derive(Debug, Default, Clone, clap::Args)]
pub struct Choice {
    /// Stage of the deployment: its stacks are Bonafide-<STAGE>-Data, -Workflow and -Observability
    #[arg(long, global = true, help_heading = "Where", env = "BONAFIDE_STAGE", default_value = "dev")]
    pub stage: String,
    /// Use AWS even when a local AWS is up; implied by the three options below
    #[arg(long, global = true, help_heading = "Where")]
    pub aws: bool,
    /// Profile of the AWS configuration files
    #[arg(long, global = true, help_heading = "Where")]
    pub profile: Option<String>,
    /// AWS region
    #[arg(long, global = true, help_heading = "Where")]
    pub region: Option<String>,
    /// Another endpoint for every service, as of an emulator
    #[arg(long, global = true, help_heading = "Where")]
    pub endpoint_url: Option<String>,
}

/// A connection, and how to speak of it.
#[derive(Debug, Clone)]
pub struct Target {
    /// For the clients.
    pub config: SdkConfig,
    /// For messages.
    pub place: Place,
}

/// For messages and for what differs between the two.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Place {
    /// Kept running by `cargo xtask up`.
    Local {
        /// Its address.
        endpoint: String,
    },
    /// An account of AWS.
    Aws {
        /// Its region.
        region: String,
    },
    /// Something else that speaks AWS's protocols.
    Endpoint {
        /// Its address.
        endpoint: String,
    },
}

impl fmt::Display for Place {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Local { endpoint } => write!(formatter, "the local AWS at {endpoint}"),
            Self::Aws { region } => write!(formatter, "AWS, region {region}"),
            Self::Endpoint { endpoint } => write!(formatter, "{endpoint}"),
        }
    }
}

impl Place {
    /// The page of an execution in the AWS console.
    #[must_use]
    pub fn console_link(&self, execution: &str) -> Option<String> {
        match self {
            Self::Aws { region } => Some(format!(
                "https://{region}.console.aws.amazon.com/states/home?region={region}#/v2/executions/details/{execution}"
            )),
            Self::Local { .. } | Self::Endpoint { .. } => None,
        }
    }

    /// How often a waiting command may ask.
    #[must_use]
    pub fn poll_interval(&self) -> Duration {
        match self {
            Self::Local { .. } => Duration::from_millis(200),
            Self::Aws { .. } | Self::Endpoint { .. } => Duration::from_secs(2),
        }
    }
}

/// Written by `cargo xtask up`.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Up {
    pid: u32,
    endpoint: String,
    control: String,
    region: String,
}

/// Connects as chosen. `folder` and its parents are searched for a local AWS.
///
/// # Errors
/// When there are no credentials or no region, each with the remedy.
pub async fn connect(choice: &Choice, folder: &Path) -> Result<Target, Error> {
    let is_aws_chosen =
        choice.aws || choice.profile.is_some() || choice.region.is_some() || choice.endpoint_url.is_some();
    if !is_aws_chosen && let Some(file) = up_file(folder) {
        match running(&file) {
            Some(up) => {
                let config = local(&up.endpoint, &up.region).await;
                return Ok(Target { config, place: Place::Local { endpoint: up.endpoint } });
            }
            None => eprintln!(
                "note: the local AWS of {} is no longer running (`cargo xtask up` starts it again): using AWS",
                file.display()
            ),
        }
    }
    let mut loader = aws_config::defaults(BehaviorVersion::latest()).http_client(http_client());
    if let Some(profile) = &choice.profile {
        loader = loader.profile_name(profile);
    }
    if let Some(region) = &choice.region {
        loader = loader.region(Region::new(region.clone()));
    }
    if let Some(endpoint) = &choice.endpoint_url {
        loader = loader.endpoint_url(endpoint);
    }
    let config = loader.load().await;
    let region = config.region().ok_or(Error::NoRegion)?.to_string();
    require_credentials(&config).await?;
    let place = match config.endpoint_url() {
        Some(endpoint) => Place::Endpoint { endpoint: endpoint.to_owned() },
        None => Place::Aws { region },
    };
    Ok(Target { config, place })
}

/// A connection to a local AWS, which accepts any key.
pub async fn local(endpoint: &str, region: &str) -> SdkConfig {
    aws_config::defaults(BehaviorVersion::latest())
        .http_client(http_client())
        .endpoint_url(endpoint)
        .region(Region::new(region.to_owned()))
        .credentials_provider(Credentials::new("test", "test", None, None, "local AWS"))
        .load()
        .await
}

/// The bucket goes into the path where no wildcard name resolves to the endpoint.
#[must_use]
pub fn s3(config: &SdkConfig) -> aws_sdk_s3::Client {
    let config = aws_sdk_s3::config::Builder::from(config).force_path_style(config.endpoint_url().is_some()).build();
    aws_sdk_s3::Client::from_conf(config)
}

fn http_client() -> aws_sdk_s3::config::SharedHttpClient {
    Builder::new().tls_provider(tls::Provider::Rustls(tls::rustls_provider::CryptoMode::Ring)).build_https()
}

/// The address of the control API of a local AWS: the one of the tests, else that of `cargo xtask up`.
#[must_use]
pub fn control(folder: &Path) -> Option<String> {
    let up = || Some(running(&up_file(&folder.canonicalize().ok()?)?)?.control);
    std::env::var("BONAFIDE_LOCAL_CONTROL").ok().or_else(up)
}

fn up_file(folder: &Path) -> Option<PathBuf> {
    folder.ancestors().map(|folder| folder.join(".local/up.json")).find(|file| file.is_file())
}

/// What the file says, if its process still answers: the file outlives a crash or a restart of the machine.
fn running(file: &Path) -> Option<Up> {
    let up: Up = serde_json::from_slice(&fs::read(file).ok()?).ok()?;
    // Another process may have got the port meanwhile. Systems without /proc go by the port alone.
    if Path::new("/proc/self/cmdline").exists() {
        let command = fs::read(format!("/proc/{}/cmdline", up.pid)).ok()?;
        if !String::from_utf8_lossy(&command).contains("bonafide_local") {
            return None;
        }
    }
    let address = up.endpoint.strip_prefix("http://")?.to_socket_addrs().ok()?.next()?;
    TcpStream::connect_timeout(&address, Duration::from_secs(1)).ok()?;
    Some(up)
}

#[cfg(test)]
mod tests {
    use aws_config::profile::ProfileFileCredentialsProvider;
    use aws_config::provider_config::ProviderConfig;
    use aws_runtime::env_config::file::{EnvConfigFileKind, EnvConfigFiles};
    use aws_sdk_s3::config::ProvideCredentials as _;
    use tempfile::TempDir;

    use super::*;

    fn folder() -> TempDir {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir_all(folder.path().join("a/b")).unwrap();
        fs::create_dir_all(folder.path().join(".local")).unwrap();
        folder
    }

    #[tokio::test]
    async fn accepts_the_profiles_of_aws_login() {
        let profile = "[default]\nlogin_session = arn:aws:iam::123456789012:user/not-signed-in\n";
        let files = EnvConfigFiles::builder().with_contents(EnvConfigFileKind::Config, profile).build();
        let config = ProviderConfig::without_region().with_http_client(http_client());
        let provider = ProfileFileCredentialsProvider::builder().profile_files(files).configure(&config).build();
        let error = provider.provide_credentials().await.unwrap_err();
        assert!(format!("{error:?}").contains("login/cache"), "{error:?}");
    }

    #[test]
    fn finds_the_local_aws_of_a_parent_folder() {
        let folder = folder();
        let file = folder.path().join(".local/up.json");
        assert_ne!(up_file(&folder.path().join("a/b")), Some(file.clone()));
        fs::write(&file, "{}").unwrap();
        assert_eq!(up_file(&folder.path().join("a/b")), Some(file));
    }

    #[test]
    fn does_not_take_another_process_for_the_local_aws() {
        let folder = folder();
        let file = folder.path().join(".local/up.json");
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let endpoint = format!("http://{}", listener.local_addr().unwrap());
        let pid = std::process::id();
        fs::write(&file, format!(r#"{{"pid":{pid},"endpoint":"{endpoint}","control":"","region":"us-east-1"}}"#))
            .unwrap();
        let is_taken_for_it = running(&file).is_some();
        assert!(!is_taken_for_it || !Path::new("/proc/self/cmdline").exists());
    }

    #[test]
    fn links_to_the_console_on_aws_only() {
        let aws = Place::Aws { region: "eu-north-1".to_owned() };
        assert_eq!(
            aws.console_link("arn:x").as_deref(),
            Some(
                "https://eu-north-1.console.aws.amazon.com/states/home?region=eu-north-1#/v2/executions/details/arn:x"
            )
        );
        assert_eq!(Place::Local { endpoint: "http://127.0.0.1:1".to_owned() }.console_link("arn:x"), None);
    }
}
