"""Slow turns and conversations through the unmodified Python SDK; prints one line per fact."""

import sys

from letta_client import ConflictError, Letta

what, base_url, agent_id = sys.argv[1:4]


def said(messages) -> str:
    return "".join(m.content for m in messages if m.message_type == "assistant_message")


if what == "slow":
    client = Letta(base_url=base_url, api_key="none", timeout=3, max_retries=8)
    answer = client.agents.messages.create(agent_id, input=sys.argv[4])
    print("answer:", said(answer.messages), answer.stop_reason.stop_reason)
else:
    client = Letta(base_url=base_url, api_key="none", max_retries=0)
    conversation = client.conversations.create(agent_id=agent_id, summary="from Python")
    print("created:", conversation.summary, conversation.agent_id == agent_id)
    stream = client.conversations.messages.create(
        conversation.id, messages=[{"role": "user", "content": "SAY one two"}], stream_tokens=True
    )
    print("streamed:", said(stream))
    print("listed:", *(m.message_type for m in client.conversations.messages.list(conversation.id, order="asc")))
    try:
        client.conversations.cancel(conversation.id)
    except ConflictError as error:
        print("cancel:", error.status_code)
    client.conversations.delete(conversation.id)
    print("left:", len(client.conversations.list(agent_id=agent_id)))
