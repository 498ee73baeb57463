import Button from "@cloudscape-design/components/button";
import Header from "@cloudscape-design/components/header";
import SpaceBetween from "@cloudscape-design/components/space-between";
import { useParams } from "react-router";
import { ExecutionPanel, useExecution } from "../execution/ExecutionPanel";
import { Replay } from "../execution/Replay";

const FAILED: readonly string[] = ["FAILED", "TIMED_OUT", "ABORTED"];

export default function Execution() {
  const { execution = "" } = useParams();
  const { data, isFetching, refetch } = useExecution(execution);
  const again = () => void refetch();
  const [machine = "", name = ""] = execution.split("~");
  return (
    <SpaceBetween size="m">
      <Header
        variant="h1"
        description={<span className="id">{name}</span>}
        actions={
          <SpaceBetween direction="horizontal" size="xs">
            {data && FAILED.includes(data.status) && <Replay execution={execution} onDone={again} />}
            <Button iconName="refresh" ariaLabel="Ask again for the execution" loading={isFetching} onClick={again} />
          </SpaceBetween>
        }
      >
        {machine}
      </Header>
      <ExecutionPanel key={execution} execution={execution} />
    </SpaceBetween>
  );
}
