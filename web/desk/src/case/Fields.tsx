import Box from "@cloudscape-design/components/box";
import Header from "@cloudscape-design/components/header";
import StatusIndicator from "@cloudscape-design/components/status-indicator";
import type { CaseAnswer, Schemas } from "../api";
import { type Column, Listing } from "../parts/Listing";
import { FIELDS, place, scaleOf } from "./bands";
import { compareLetters, isoDate } from "./letters";

type Field = Schemas["Field"];

/** The details field by field: stated by the applicant, read from the document, read from its barcode. */
export function Fields({ answer: { fields, thresholds } }: { readonly answer: CaseAnswer }) {
  const columns: readonly [Column<Field>, ...Column<Field>[]] = [
    { id: "name", header: "Field", width: 150, cell: ({ name }) => <strong>{FIELDS[name]?.label ?? name}</strong> },
    {
      id: "stated",
      header: "Stated",
      cell: ({ name, stated, document, similarity }) => (
        <div className="value">
          <Letters text={stated} others={[document]} />
          <Agreement score={name} similarity={similarity} thresholds={thresholds} />
        </div>
      ),
    },
    {
      id: "document",
      header: "Document",
      cell: ({ document, stated, barcode, confidence }) => (
        <div className="value">
          <Letters text={document} others={[stated, barcode]} />
          <Confidence confidence={confidence} pass={thresholds["FieldConfidence"]} />
        </div>
      ),
    },
    {
      id: "barcode",
      header: "Barcode or zone",
      cell: ({ name, barcode, document, witnessSimilarity }) => (
        <div className="value">
          <Letters text={barcode} others={[document]} />
          <Agreement score={`${name}Witness`} similarity={witnessSimilarity} thresholds={thresholds} />
        </div>
      ),
    },
  ];
  return (
    <Listing
      label="details"
      items={fields.map(({ stated, ...field }) => (stated === undefined ? field : { ...field, stated: isoDate(stated) }))}
      columns={columns}
      keyOf={({ name }) => name}
      empty="No details were read from this submission."
      header={
        <Header
          variant="h2"
          description="Each value against the document. Letters that differ are marked and underlined. Dates are year, month, day."
        >
          Details
        </Header>
      }
    />
  );
}

function Letters({ text, others }: { readonly text: string | undefined; readonly others: readonly (string | undefined)[] }) {
  if (text === undefined || text === "") return <Box color="text-body-secondary">–</Box>;
  const parts = compareLetters(
    text,
    others.filter((other): other is string => other !== undefined && other !== ""),
  );
  return (
    <span className="letters">
      {parts.map(({ text, differs }, index) => (differs ? <mark key={index}>{text}</mark> : <span key={index}>{text}</span>))}
    </span>
  );
}

/** How alike a value and the document's are. */
function Agreement({
  score,
  similarity,
  thresholds,
}: {
  readonly score: string;
  readonly similarity: number | undefined;
  readonly thresholds: Readonly<Record<string, number>>;
}) {
  if (similarity === undefined) return null;
  const scale = scaleOf("documentExtraction", score);
  const band = scale && place(scale, thresholds)?.findLast(({ from }) => similarity >= from)?.band;
  const value = Math.round(similarity * 10) / 10;
  if (band === "pass" || similarity >= 100) return <StatusIndicator type="success">same, {value}</StatusIndicator>;
  if (band === "refer" && !score.endsWith("Witness")) return <StatusIndicator type="warning">near, {value}</StatusIndicator>;
  return <StatusIndicator type="error">differs, {value}</StatusIndicator>;
}

function Confidence({ confidence, pass }: { readonly confidence: number | undefined; readonly pass: number | undefined }) {
  if (confidence === undefined) return null;
  const text = `read with ${Math.round(confidence * 1000) / 10} %`;
  if (pass !== undefined && confidence < pass) return <StatusIndicator type="warning">{text}</StatusIndicator>;
  return <span className="secondary">{text}</span>;
}
