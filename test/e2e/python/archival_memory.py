"""Archives, passages and search through the unmodified Python SDK; prints one line per fact."""

import sys

from letta_client import APIStatusError, Letta

client = Letta(base_url=sys.argv[1], api_key="none")
agent = client.agents.create(model="openai/gpt-4.1")
archive = client.archives.create(name="py-archive")
print("archive:", archive.name, archive.embedding_config.embedding_dim)
client.agents.archives.attach(archive.id, agent_id=agent.id)

created = client.agents.passages.create(agent.id, text="the hound howls")
print("created:", len(created[0].embedding), "numbers")
snow = client.archives.passages.create_many(archive.id, passages=[{"text": "snow", "tags": ["white"]}])[0]
print("listed:", " | ".join(p.text for p in client.agents.passages.list(agent.id)))
print("found:", client.agents.passages.search(agent.id, query="puppy", top_k=1).results[0].content)
print("tagged:", client.agents.passages.search(agent.id, query="x", tags=["white", "cold"]).results[0].content)
print("everywhere:", client.passages.search(query="dog", archive_id=archive.id, limit=1)[0].passage.text)

client.agents.messages.create(agent.id, input="SAY quinces from Crete")
hits = client.messages.search(query="quince", agent_id=agent.id)
print("messages:", *sorted((hit.message_type for hit in hits), reverse=True))
print("tools:", client.tools.search(query="search the archive", tags=["letta_core"], limit=1)[0].tool.name)

client.archives.passages.delete(snow.id, archive_id=archive.id)
print("left:", len(client.agents.passages.list(agent.id)))
client.agents.archives.detach(archive.id, agent_id=agent.id)
client.archives.delete(archive.id)
try:
    client.archives.retrieve(archive.id)
except APIStatusError as error:
    print("gone:", type(error).__name__, error.status_code)
