"""Approvals through the unmodified Python SDK; prints one line per fact."""

import json
import sys

from letta_client import APIStatusError, Letta

client = Letta(base_url=sys.argv[1], api_key="none", max_retries=0)


def create_agent():
    return client.agents.create(
        model="openai/gpt-4.1",
        memory_blocks=[{"label": "human", "value": "start"}],
        tool_rules=[{"type": "requires_approval", "tool_name": "memory_insert"}],
    )


def ask(agent, fact):
    call = json.dumps({"label": "human", "new_string": fact})
    answer = client.agents.messages.create(agent.id, input=f"CALL memory_insert {call}")
    assert answer.stop_reason.stop_reason == "requires_approval"
    return answer.messages[-1].tool_calls[0].tool_call_id


def answer(agent, given):
    messages = [{"type": "approval", "approvals": [given]}]
    return client.agents.messages.create(agent.id, messages=messages)


def returned(response):
    return next(m.tool_return for m in response.messages if m.message_type == "tool_return_message")


def block(agent):
    return client.agents.blocks.retrieve("human", agent_id=agent.id).value.replace("\n", "|")


agent = create_agent()
answer(agent, {"type": "approval", "tool_call_id": ask(agent, "one"), "approve": True})
print("approved:", block(agent))
denied = answer(agent, {"type": "approval", "tool_call_id": ask(agent, "two"), "approve": False, "reason": "no"})
print("denied:", returned(denied))
edit = {"label": "human", "new_string": "edited"}
answer(agent, {"type": "approval", "tool_call_id": ask(agent, "three"), "approve": True, "arguments": edit})
print("edited:", block(agent))
ask(agent, "four")
try:
    client.agents.messages.create(agent.id, input="SAY hi")
except APIStatusError as error:
    print("pending:", error.status_code, error.body["detail"]["code"])

agent = create_agent()
tools = [{"name": "local_time", "description": "The client's time.", "parameters": {"type": "object", "properties": {}}}]
asked = client.agents.messages.create(agent.id, input="CALL local_time {}", client_tools=tools)
call_id = asked.messages[-1].tool_calls[0].tool_call_id
result = {"type": "tool", "tool_call_id": call_id, "tool_return": "noon", "status": "success"}
done = client.agents.messages.create(
    agent.id, messages=[{"type": "approval", "approvals": [result]}], client_tools=tools
)
print("client tool:", returned(done), done.stop_reason.stop_reason)
