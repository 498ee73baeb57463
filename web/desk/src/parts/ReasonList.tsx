import Box from "@cloudscape-design/components/box";
import { meaning } from "../reasons";

/** Reason codes, each with its sentence for staff. */
export function ReasonList({
  codes,
  sentence = meaning,
}: {
  readonly codes: readonly string[];
  readonly sentence?: (code: string) => string;
}) {
  if (codes.length === 0) return <Box color="text-body-secondary">none</Box>;
  return (
    <ul className="plain">
      {codes.map((code) => (
        <li key={code}>
          <code>{code}</code>
          <Box variant="small" display="block" color="text-body-secondary">
            {sentence(code)}
          </Box>
        </li>
      ))}
    </ul>
  );
}
