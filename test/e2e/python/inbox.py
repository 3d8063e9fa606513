"""The five strategies for messages that meet a turn in progress, through the unmodified Python SDK."""

import sys

from letta_client import ConflictError, Letta

base_url, agent_id = sys.argv[1:3]
client = Letta(base_url=base_url, api_key="none", max_retries=0)


def send(text: str, strategy: str):
    return client.agents.messages.create(agent_id, input=text, extra_body={"multitask_strategy": strategy})


def said(answer) -> str:
    return "".join(m.content for m in answer.messages if m.message_type == "assistant_message")


def busy() -> None:
    """Begins a turn that lasts a while."""
    client.agents.messages.create_async(agent_id, input="DELAY 2000\nSAY slow")


busy()
try:
    send("SAY rejected", "reject")
except ConflictError as error:
    print("refused:", error.status_code)
print("enqueue:", said(send("SAY enqueued", "enqueue")))
busy()
print("interrupt:", said(send("SAY interrupted", "interrupt")))
busy()
print("rollback:", said(send("SAY rolled back", "rollback")))
print("steer:", said(send("SAY steered", "steer")))
