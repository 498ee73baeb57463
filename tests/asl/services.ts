/** Argument names: a `?` marks an optional one; `true` accepts any value. */
export interface Shape {
  readonly [argument: string]: true | Shape;
}

export interface Integration {
  readonly arguments: Shape;
  /** The prefix of the service's error names. */
  readonly errors: string;
}

// The version is optional on AWS but required here: without it, a second upload could replace the picture that is judged.
const s3Image: Shape = { S3Object: { Bucket: true, Name: true, Version: true } };

/** Every call that a machine may make, spelled as AWS spells it. asl-validator checks neither action names nor arguments. */
export const INTEGRATIONS: Readonly<Record<string, Integration>> = {
  "arn:aws:states:::lambda:invoke": { arguments: { FunctionName: true, Payload: true }, errors: "Lambda" },
  "arn:aws:states:::states:startExecution.sync:2": {
    arguments: { StateMachineArn: true, Name: true, Input: true },
    errors: "StepFunctions",
  },
  "arn:aws:states:::states:startExecution": { arguments: { StateMachineArn: true, Input: true }, errors: "StepFunctions" },
  "arn:aws:states:::aws-sdk:sfn:describeExecution": { arguments: { ExecutionArn: true }, errors: "Sfn" },
  "arn:aws:states:::aws-sdk:sfn:getExecutionHistory": {
    arguments: { ExecutionArn: true, "ReverseOrder?": true, "MaxResults?": true, "IncludeExecutionData?": true },
    errors: "Sfn",
  },
  "arn:aws:states:::sqs:sendMessage.waitForTaskToken": { arguments: { QueueUrl: true, MessageBody: true }, errors: "SQS" },
  "arn:aws:states:::sns:publish": { arguments: { TopicArn: true, Message: true }, errors: "SNS" },
  "arn:aws:states:::dynamodb:getItem": {
    arguments: { TableName: true, Key: true, ProjectionExpression: true, "ConsistentRead?": true, "ExpressionAttributeNames?": true },
    errors: "DynamoDB",
  },
  "arn:aws:states:::aws-sdk:dynamodb:query": {
    arguments: {
      TableName: true,
      IndexName: true,
      KeyConditionExpression: true,
      "FilterExpression?": true,
      ProjectionExpression: true,
      Limit: true,
      "ExpressionAttributeNames?": true,
      "ExpressionAttributeValues?": true,
    },
    errors: "DynamoDb",
  },
  "arn:aws:states:::dynamodb:putItem": {
    arguments: { TableName: true, Item: true, ConditionExpression: true },
    errors: "DynamoDB",
  },
  "arn:aws:states:::dynamodb:updateItem": {
    arguments: {
      TableName: true,
      Key: true,
      UpdateExpression: true,
      "ConditionExpression?": true,
      "ExpressionAttributeNames?": true,
      "ExpressionAttributeValues?": true,
      "ReturnValues?": true,
    },
    errors: "DynamoDB",
  },
  // Only the SDK's integration of DynamoDB can wait for a token (https://docs.aws.amazon.com/step-functions/latest/dg/integrate-services.html).
  "arn:aws:states:::aws-sdk:dynamodb:updateItem.waitForTaskToken": {
    arguments: {
      TableName: true,
      Key: true,
      UpdateExpression: true,
      ConditionExpression: true,
      ExpressionAttributeNames: true,
      ExpressionAttributeValues: true,
    },
    errors: "DynamoDb",
  },
  "arn:aws:states:::aws-sdk:rekognition:detectFaces": { arguments: { Image: s3Image, "Attributes?": true }, errors: "Rekognition" },
  "arn:aws:states:::aws-sdk:rekognition:compareFaces": {
    arguments: { SourceImage: s3Image, TargetImage: s3Image, "SimilarityThreshold?": true, "QualityFilter?": true },
    errors: "Rekognition",
  },
  "arn:aws:states:::aws-sdk:rekognition:searchFacesByImage": {
    arguments: { CollectionId: true, Image: s3Image, "MaxFaces?": true, "FaceMatchThreshold?": true, "QualityFilter?": true },
    errors: "Rekognition",
  },
  "arn:aws:states:::aws-sdk:rekognition:searchFaces": {
    arguments: { CollectionId: true, FaceId: true, "MaxFaces?": true, "FaceMatchThreshold?": true },
    errors: "Rekognition",
  },
  "arn:aws:states:::aws-sdk:rekognition:indexFaces": {
    arguments: {
      CollectionId: true,
      Image: s3Image,
      ExternalImageId: true,
      "DetectionAttributes?": true,
      "MaxFaces?": true,
      "QualityFilter?": true,
    },
    errors: "Rekognition",
  },
  "arn:aws:states:::aws-sdk:rekognition:deleteFaces": { arguments: { CollectionId: true, FaceIds: true }, errors: "Rekognition" },
};

/** The missing and the unknown arguments. */
export function misspelled(shape: Shape, given: unknown, path: string): string[] {
  // The names of a single expression are known at run time only.
  if (typeof given === "string") return [];
  if (given === null || typeof given !== "object" || Array.isArray(given)) return [`${path} is no object`];
  const names = new Map(Object.entries(shape).map(([name, inner]) => [name.replace("?", ""), { optional: name.endsWith("?"), inner }]));
  const values = given as Record<string, unknown>;
  return [
    ...[...names].filter(([name, { optional }]) => !optional && !(name in values)).map(([name]) => `${path} lacks ${name}`),
    ...Object.entries(values).flatMap(([name, value]) => {
      const known = names.get(name);
      if (known === undefined) return [`${path} has an unknown ${name}`];
      return known.inner === true ? [] : misspelled(known.inner, value, `${path}.${name}`);
    }),
  ];
}
