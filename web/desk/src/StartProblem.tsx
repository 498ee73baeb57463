import Alert from "@cloudscape-design/components/alert";
import Box from "@cloudscape-design/components/box";
import Button from "@cloudscape-design/components/button";

/** The page cannot start: it has no settings, or the sign-in has failed. */
export function StartProblem({ error }: { readonly error: unknown }) {
  return (
    <main>
      <Box padding="l">
        <Box variant="h1" padding={{ bottom: "m" }}>
          Review desk
        </Box>
        <Alert
          type="error"
          header="The desk could not start"
          action={<Button onClick={() => location.assign(location.origin + location.pathname)}>Start again</Button>}
        >
          {error instanceof Error ? `${error.message}. ` : ""}Start again. If this repeats, tell the operators what is written here.
        </Alert>
      </Box>
    </main>
  );
}
