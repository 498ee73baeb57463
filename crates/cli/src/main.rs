//! `bonafide`: the operators' command line.

use std::fmt::Display;
use std::io::Write as _;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use bonafide_cli::submit::{self, Package, Upload, Waited};
use bonafide_cli::target::{self, Choice, Target};
use bonafide_cli::{Application, Deployment, Error, render};
use bonafide_domain::ApplicationId;
use clap::{Parser, Subcommand};
use serde_json::json;

const EXIT_CODES: &str = "\
Where: the local AWS of this folder when one is up (`cargo xtask up`), otherwise the AWS account of your profile.

Exit codes:
  0  done; with --wait: every application has its verdict, whichever it is
  1  the system could not judge (a failure is recorded), or a newer package was judged instead
  2  wrong usage: an argument, a file's name, a file that cannot be read
  3  no such application
  4  no verdict in time
  5  AWS: credentials, region, not deployed, access refused, no answer";

/// Submits packages to Bonafide and shows what became of them. Shows no personal data.
#[derive(Debug, Parser)]
#[command(name = "bonafide", version, after_help = EXIT_CODES)]
struct Arguments {
    #[command(flatten)]
    choice: Choice,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Upload packages (<application id>.zip)
    #[command(after_help = EXIT_CODES)]
    Submit {
        /// The files; each name without .zip is the application's id: A-Z, a-z, 0-9, _ and -, at most 64
        #[arg(required = true, value_name = "PACKAGE.zip")]
        packages: Vec<PathBuf>,
        /// Wait for the verdicts
        #[arg(long)]
        wait: bool,
        /// One JSON object per package on standard output, in the order of the arguments
        #[arg(long)]
        json: bool,
        /// With --wait: give up after so many seconds
        #[arg(long, value_name = "SECONDS", default_value_t = 900)]
        timeout: u64,
    },
    /// Show outcome, reasons, scores and execution of an application
    #[command(after_help = EXIT_CODES)]
    Status {
        /// Its id
        application_id: String,
        /// One JSON object on standard output
        #[arg(long)]
        json: bool,
    },
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    let arguments = Arguments::parse();
    match run(arguments).await {
        Ok(code) => ExitCode::from(code),
        Err(error) => {
            eprintln!("error: {error}");
            let mut source = std::error::Error::source(&error);
            while let Some(cause) = source {
                eprintln!("  because: {cause}");
                source = cause.source();
            }
            ExitCode::from(error.exit_code())
        }
    }
}

async fn run(arguments: Arguments) -> Result<u8, Error> {
    let choice = arguments.choice;
    match arguments.command {
        Command::Submit { packages, wait, json, timeout } => {
            // Before any connection: a typing error should not cost a sign-in.
            let packages = Package::all(&packages)?;
            let session = Session::open(&choice).await?;
            let uploads = session.upload(&packages).await?;
            if wait {
                session.wait(uploads, Duration::from_secs(timeout), json).await
            } else {
                Ok(session.show_uploads(&uploads, json)?)
            }
        }
        Command::Status { application_id, json } => {
            let application_id: ApplicationId = application_id
                .parse()
                .map_err(|error| Error::Usage(format!("{application_id:?} is no application: {error}")))?;
            let session = Session::open(&choice).await?;
            let place = &session.target.place;
            let application = session.fetch(&application_id).await?.ok_or_else(|| Error::UnknownApplication {
                application_id: application_id.as_str().to_owned(),
                place: place.to_string(),
            })?;
            if json {
                out(json!(application));
            } else {
                out(render::details(&application, place));
            }
            Ok(u8::from(application.has_failed()))
        }
    }
}

/// A deployment and the clients that speak to it.
struct Session {
    target: Target,
    deployment: Deployment,
    s3: aws_sdk_s3::Client,
    dynamodb: aws_sdk_dynamodb::Client,
}

impl Session {
    async fn open(choice: &Choice) -> Result<Self, Error> {
        let folder = std::env::current_dir().unwrap_or_default();
        let target = target::connect(choice, &folder).await?;
        // Standard output is for results. Nobody should wonder which account a package went to.
        eprintln!("{} (stage {})", target.place, choice.stage);
        let cloudformation = aws_sdk_cloudformation::Client::new(&target.config);
        let deployment = Deployment::find(&cloudformation, &choice.stage, &target.place).await?;
        let s3 = target::s3(&target.config);
        let dynamodb = aws_sdk_dynamodb::Client::new(&target.config);
        Ok(Self { target, deployment, s3, dynamodb })
    }

    async fn fetch(&self, application_id: &ApplicationId) -> Result<Option<Application>, Error> {
        Application::fetch(&self.dynamodb, self.deployment.data("ApplicationsTableName")?, application_id).await
    }

    async fn upload(&self, packages: &[Package]) -> Result<Vec<Upload>, Error> {
        submit::upload_all(&self.s3, self.deployment.data("BucketName")?, packages).await
    }

    fn show_uploads(&self, uploads: &[Upload], json: bool) -> Result<u8, Error> {
        let bucket = self.deployment.data("BucketName")?;
        for upload in uploads {
            let Upload { application_id, key, version_id, .. } = upload;
            if json {
                out(
                    json!({"applicationId": application_id, "status": "SUBMITTED", "bucket": bucket, "key": key, "versionId": version_id}),
                );
            } else {
                let id = application_id.as_str();
                out(format_args!(
                    "{id}: uploaded to s3://{bucket}/{key} (version {version_id}); then: bonafide status {id}"
                ));
            }
        }
        Ok(0)
    }

    async fn wait(&self, uploads: Vec<Upload>, limit: Duration, json: bool) -> Result<u8, Error> {
        let table = self.deployment.data("ApplicationsTableName")?;
        let interval = self.target.place.poll_interval();
        eprintln!("{} uploaded, waiting for the verdict …", uploads.len());
        let waits: Vec<_> = uploads
            .into_iter()
            .map(|upload| {
                let (client, table) = (self.dynamodb.clone(), table.to_owned());
                tokio::spawn(async move { submit::wait(&client, &table, &upload, limit, interval).await })
            })
            .collect();
        let mut code = 0;
        for wait in waits {
            let waited = match wait.await {
                Ok(waited) => waited?,
                Err(error) => std::panic::resume_unwind(error.into_panic()),
            };
            let application = waited.application();
            if json {
                out(json!(application));
            } else {
                out(render::details(application, &self.target.place));
            }
            code = code.max(match waited {
                Waited::TimedOut(_) => 4,
                Waited::Superseded(_) => 1,
                Waited::Ended(ref application) => u8::from(application.has_failed()),
            });
        }
        Ok(code)
    }
}

/// A line on standard output. Whoever closed it (`| head`) has seen enough.
fn out(line: impl Display) {
    if writeln!(std::io::stdout(), "{line}").is_err() {
        std::process::exit(0);
    }
}
