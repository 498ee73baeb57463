//! The names of the deployed resources, from the outputs of the stacks.

use std::collections::BTreeMap;

use aws_sdk_cloudformation::Client;
use aws_sdk_cloudformation::error::ProvideErrorMetadata as _;

use crate::error::Error;
use crate::target::Place;

/// The outputs of the stacks of one stage.
#[derive(Debug, Clone)]
pub struct Deployment {
    stage: String,
    outputs: BTreeMap<String, String>,
}

impl Deployment {
    /// Reads the outputs from `CloudFormation`.
    ///
    /// # Errors
    /// When a stack is missing, or AWS refuses or does not answer.
    pub async fn find(client: &Client, stage: &str, place: &Place) -> Result<Self, Error> {
        let mut outputs = BTreeMap::new();
        for name in ["Data", "Workflow", "Conversation", "FaceApi", "Review", "Observability"] {
            let stack = format!("Bonafide-{stage}-{name}");
            let answer = client.describe_stacks().stack_name(&stack).send().await;
            let found = match answer {
                Ok(found) => found.stacks.unwrap_or_default(),
                // The code of CloudFormation for a stack that does not exist.
                Err(error) if error.code() == Some("ValidationError") => Vec::new(),
                Err(error) => return Err(Error::from_sdk("describe the stacks", error)),
            };
            let Some(found) = found.into_iter().next() else {
                return Err(Error::NotDeployed { stack, place: place.to_string() });
            };
            for output in found.outputs.unwrap_or_default() {
                if let (Some(key), Some(value)) = (output.output_key, output.output_value) {
                    outputs.insert(key, value);
                }
            }
        }
        Ok(Self { stage: stage.to_owned(), outputs })
    }

    /// One output of the stack that holds the data.
    ///
    /// # Errors
    /// When it is missing.
    pub fn data(&self, output: &'static str) -> Result<&str, Error> {
        self.output("Data", output)
    }

    /// One output of the stack that holds workers and machines.
    ///
    /// # Errors
    /// When it is missing.
    pub fn workflow(&self, output: &'static str) -> Result<&str, Error> {
        self.output("Workflow", output)
    }

    /// One output of the stack of conversations.
    ///
    /// # Errors
    /// When it is missing.
    pub fn conversation(&self, output: &'static str) -> Result<&str, Error> {
        self.output("Conversation", output)
    }

    /// The ARN of a machine, by the output that holds it, in the stack that has it.
    ///
    /// # Errors
    /// When it is missing.
    pub fn machine(&self, output: &'static str) -> Result<&str, Error> {
        self.workflow(output).or_else(|_| self.conversation(output))
    }

    /// One output of the stack of the face API.
    ///
    /// # Errors
    /// When it is missing.
    pub fn face_api(&self, output: &'static str) -> Result<&str, Error> {
        self.output("FaceApi", output)
    }

    /// One output of the stack of the review API.
    ///
    /// # Errors
    /// When it is missing.
    pub fn review(&self, output: &'static str) -> Result<&str, Error> {
        self.output("Review", output)
    }

    /// One output of the stack of alarms and dashboards.
    ///
    /// # Errors
    /// When it is missing.
    pub fn observability(&self, output: &'static str) -> Result<&str, Error> {
        self.output("Observability", output)
    }

    /// All outputs, by name.
    #[must_use]
    pub const fn outputs(&self) -> &BTreeMap<String, String> {
        &self.outputs
    }

    #[cfg(test)]
    pub(crate) fn of<const N: usize>(stage: &str, outputs: [(&str, &str); N]) -> Self {
        let outputs = outputs.map(|(name, value)| (name.to_owned(), value.to_owned()));
        Self { stage: stage.to_owned(), outputs: outputs.into() }
    }

    fn output(&self, stack: &str, output: &'static str) -> Result<&str, Error> {
        let stack = format!("Bonafide-{}-{stack}", self.stage);
        self.outputs.get(output).map(String::as_str).ok_or(Error::IncompleteDeployment { stack, output })
    }
}

#[cfg(test)]
mod tests {
    use aws_sdk_cloudformation::operation::describe_stacks::{DescribeStacksError, DescribeStacksOutput};
    use aws_sdk_cloudformation::types::{Output, Stack};
    use aws_smithy_mocks::{RuleMode, mock, mock_client};

    use super::*;

    fn place() -> Place {
        Place::Aws { region: "eu-north-1".to_owned() }
    }

    fn stack(key: &str, value: &str) -> DescribeStacksOutput {
        let stack = Stack::builder().outputs(Output::builder().output_key(key).output_value(value).build());
        DescribeStacksOutput::builder().stacks(stack.build()).build()
    }

    #[tokio::test]
    async fn reads_the_outputs_of_all_stacks() {
        let data = mock!(Client::describe_stacks)
            .match_requests(|request| request.stack_name() == Some("Bonafide-test-Data"))
            .then_output(|| stack("BucketName", "a-bucket"));
        let workflow = mock!(Client::describe_stacks)
            .match_requests(|request| request.stack_name() == Some("Bonafide-test-Workflow"))
            .then_output(|| stack("OnboardingMachineArn", "arn:onboarding"));
        let conversation = mock!(Client::describe_stacks)
            .match_requests(|request| request.stack_name() == Some("Bonafide-test-Conversation"))
            .then_output(|| stack("AgentOnboardingMachineArn", "arn:agent-onboarding"));
        let face_api = mock!(Client::describe_stacks)
            .match_requests(|request| request.stack_name() == Some("Bonafide-test-FaceApi"))
            .then_output(|| stack("FaceApiId", "an-api"));
        let review = mock!(Client::describe_stacks)
            .match_requests(|request| request.stack_name() == Some("Bonafide-test-Review"))
            .then_output(|| stack("ReviewApiId", "another-api"));
        let observability = mock!(Client::describe_stacks)
            .match_requests(|request| request.stack_name() == Some("Bonafide-test-Observability"))
            .then_output(|| stack("MeasurementsQueueUrl", "https://measurements"));
        let client = mock_client!(
            aws_sdk_cloudformation,
            RuleMode::MatchAny,
            [&data, &workflow, &conversation, &face_api, &review, &observability]
        );

        let deployment = Deployment::find(&client, "test", &place()).await.unwrap();

        assert_eq!(deployment.data("BucketName").unwrap(), "a-bucket");
        assert_eq!(deployment.workflow("OnboardingMachineArn").unwrap(), "arn:onboarding");
        assert_eq!(deployment.conversation("AgentOnboardingMachineArn").unwrap(), "arn:agent-onboarding");
        assert_eq!(deployment.machine("AgentOnboardingMachineArn").unwrap(), "arn:agent-onboarding");
        assert_eq!(deployment.face_api("FaceApiId").unwrap(), "an-api");
        assert_eq!(deployment.review("ReviewApiId").unwrap(), "another-api");
        assert_eq!(deployment.observability("MeasurementsQueueUrl").unwrap(), "https://measurements");
        let missing = deployment.data("ApplicationsTableName").unwrap_err();
        assert_eq!(missing.exit_code(), 5);
        assert!(missing.to_string().contains("Bonafide-test-Data has no output ApplicationsTableName"), "{missing}");
    }

    #[tokio::test]
    async fn names_the_missing_stack_and_its_place() {
        let rule = mock!(Client::describe_stacks).then_error(|| {
            let metadata = aws_sdk_cloudformation::error::ErrorMetadata::builder()
                .code("ValidationError")
                .message("Stack with id Bonafide-dev-Data does not exist")
                .build();
            DescribeStacksError::generic(metadata)
        });
        let client = mock_client!(aws_sdk_cloudformation, [&rule]);

        let error = Deployment::find(&client, "dev", &place()).await.unwrap_err();

        assert_eq!(error.exit_code(), 5);
        assert!(error.to_string().starts_with("no stack Bonafide-dev-Data in AWS, region eu-north-1"), "{error}");
    }

    #[tokio::test]
    async fn reports_why_aws_refused() {
        let rule = mock!(Client::describe_stacks).then_error(|| {
            let metadata = aws_sdk_cloudformation::error::ErrorMetadata::builder()
                .code("AccessDenied")
                .message("User is not authorized.")
                .build();
            DescribeStacksError::generic(metadata)
        });
        let client = mock_client!(aws_sdk_cloudformation, [&rule]);

        let error = Deployment::find(&client, "dev", &place()).await.unwrap_err();

        assert_eq!(
            error.to_string(),
            "AWS refused to describe the stacks: User is not authorized (AccessDenied): pass a `--profile` with the permission, or have it granted to this one"
        );
    }
}
