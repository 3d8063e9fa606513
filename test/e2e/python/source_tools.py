"""A tool from a function's source, through the unmodified Python SDK; prints one line per fact."""

import inspect
import sys

from letta_client import BadRequestError, Letta

client = Letta(base_url=sys.argv[1], api_key="none")


def greet(name: str, times: int = 1) -> str:
    """
    Greet somebody.

    Args:
        name (str): Who is greeted.
        times (int): How often.
    """
    import os

    print("greeting in", os.environ.get("CITY"))
    return " ".join([f"Hello {name}!"] * times)


tool = client.tools.upsert(source_code=inspect.getsource(greet))
again = client.tools.create(source_code=inspect.getsource(greet), tags=["x"])
print("tool:", tool.name, tool.id == again.id, tool.json_schema["parameters"]["required"])

agent = client.agents.create(
    model="openai/gpt-4.1", tools=["greet"], include_base_tools=False, secrets={"CITY": "Rome"}
)
answer = client.agents.messages.create(agent.id, input='CALL greet {"name": "Ada", "times": 2}')
returned = next(m for m in answer.messages if m.message_type == "tool_return_message")
print("returned:", returned.status, returned.tool_return, returned.stdout)

ran = client.agents.tools.run("greet", agent_id=agent.id, args={"name": "Bob"})
print("by hand:", ran.status, ran.func_return)

try:
    client.tools.create(source_code="def f(a: int):\n    return a\n")
except BadRequestError as error:
    print("refused:", error.body["detail"])
