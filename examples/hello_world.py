import os

from letta_client import Letta

# Only the base URL differs from a program written for Letta. MODEL is a handle that GET /v1/models/ lists.
client = Letta(base_url=os.environ.get("EVERTURN_URL", "http://127.0.0.1:8283"), api_key="none")

agent = client.agents.create(
    model=os.environ.get("MODEL", "everturn/demo"),
    memory_blocks=[
        {"label": "human", "value": "Name: Ada. Likes bicycles."},
        {"label": "persona", "value": "I am Sam. I answer briefly."},
    ],
    tools=["web_search", "fetch_webpage"],
)

for text in ["What do you know about me?", "I like chess.", "What do I like?"]:
    print(">", text)
    for message in client.agents.messages.create(agent.id, input=text).messages:
        if message.message_type == "assistant_message":
            print(message.content)
        if message.message_type == "tool_return_message":
            print("  used", message.name)

for event in client.agents.messages.create(
    agent.id, input="And what is my name?", streaming=True, stream_tokens=True
):
    if event.message_type == "assistant_message":
        print(event.content, end="", flush=True)
print()
