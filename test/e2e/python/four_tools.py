"""One turn with four tools through the unmodified Python SDK; the last is the client's own. Prints one line per fact."""

import json
import os
import sys
import time

from letta_client import Letta

url, agent_id, question, ready = sys.argv[1:]
client = Letta(base_url=url, api_key="none")

tools = [{"name": "ask_user", "description": "The client's.", "parameters": {"type": "object", "properties": {}}}]
asked = client.agents.messages.create(agent_id, input=question, client_tools=tools)
print("stopped:", asked.stop_reason.stop_reason)
for message in asked.messages:
    if message.message_type == "tool_return_message":
        print("returned:", message.name, message.status, message.tool_return.split(" ")[0])

# The client's tool takes as long as the test wants it to.
deadline = time.monotonic() + 120
while not os.path.exists(ready) and time.monotonic() < deadline:
    time.sleep(0.05)
result = {
    "type": "tool",
    "tool_call_id": asked.messages[-1].tool_calls[0].tool_call_id,
    "tool_return": "yes",
    "status": "success",
}
done = client.agents.messages.create(
    agent_id, messages=[{"type": "approval", "approvals": [result]}], client_tools=tools
)
print("done:", done.stop_reason.stop_reason, json.dumps([m.message_type for m in done.messages]))
