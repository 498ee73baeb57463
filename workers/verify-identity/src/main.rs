//! The Lambda function of the state `VerifyIdentity`.

use bonafide_domain::{Check, Personal, Thresholds};
use bonafide_worker::{Error, Worker, run_task, setting, today};
use verify_identity::{Registry, Settings, handle};

#[tokio::main]
async fn main() -> Result<(), Error> {
    let key = Personal::new(&setting("NATIONAL_REGISTRY_KEY")?);
    let registry = Registry::of(&setting("NATIONAL_REGISTRY")?, key)?;
    let thresholds = Thresholds::with(&setting("THRESHOLDS")?)?;
    let settings = Settings::new(&setting("NATIONAL_NUMBER_POLICY")?, setting("CUSTOMER_EMAIL_DOMAIN")?, thresholds)?;
    let worker = Worker::new(env!("CARGO_PKG_NAME")).of(Check::RegistryVerification);
    run_task(worker, async |input| handle(&registry, &settings, input, today()).await).await
}
