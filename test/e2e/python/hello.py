"""The hello world through the unmodified Python SDK; prints one line per fact."""

import sys

from letta_client import APIStatusError, Letta

client = Letta(base_url=sys.argv[1], api_key="none")
agent = client.agents.create(
    model="openai/gpt-4.1",
    memory_blocks=[{"label": "human", "value": "They like tea."}],
    tools=["web_search", "fetch_webpage"],
)
print("block:", client.agents.blocks.retrieve("human", agent_id=agent.id).value)

answer = client.agents.messages.create(agent.id, input="SAY Hello from Python")
print("answer:", "".join(m.content for m in answer.messages if m.message_type == "assistant_message"))

stream = client.agents.messages.create(agent.id, input="SAY one two three", streaming=True, stream_tokens=True)
print("stream:", "".join(c.content for c in stream if c.message_type == "assistant_message"))

print("listed:", *(m.message_type for m in client.agents.messages.list(agent.id, order="asc", limit=2)))


def name_of(call) -> str:
    try:
        call()
    except APIStatusError as error:
        return f"{type(error).__name__} {error.status_code}"
    return "no error"


print("missing:", name_of(lambda: client.agents.retrieve("agent-00000000-0000-4000-8000-000000000000")))
print("invalid:", name_of(lambda: client.agents.retrieve("agent-nope")))
