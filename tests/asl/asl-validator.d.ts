declare module "asl-validator" {
  /** The package's types point to a file that it does not ship. */
  export default function validator(
    definition: unknown,
    options?: { checkArn?: boolean; checkPaths?: boolean },
  ): { isValid: boolean; errors: readonly unknown[] };
}
