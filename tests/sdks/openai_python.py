"""What people do with OpenAI's Python SDK, run against the address and key in the environment; one JSON object on standard output."""

import asyncio
import json
import sys
from enum import Enum

import openai
from pydantic import BaseModel

MESSAGES = [{"role": "user", "content": "What does the tide do?"}]
WEATHER = {
    "type": "function",
    "function": {
        "name": "weather",
        "description": "The weather at a place.",
        "strict": True,
        "parameters": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"], "additionalProperties": False},
    },
}


class Mood(Enum):
    GOOD = "good"
    BAD = "bad"


class Review(BaseModel):
    mood: Mood
    stars: int
    words: list[str]


client = openai.OpenAI(max_retries=0)


def plain() -> dict:
    answer = client.chat.completions.create(model="small", messages=MESSAGES, temperature=0)
    return {"text": answer.choices[0].message.content, "usage": answer.usage.total_tokens, "request_id": answer._request_id}


def streamed() -> dict:
    stream = client.chat.completions.create(
        model="small", messages=MESSAGES, temperature=0, stream=True, stream_options={"include_usage": True}
    )
    pieces = list(stream)
    text = "".join(piece.choices[0].delta.content or "" for piece in pieces if piece.choices)
    return {"text": text, "pieces": len(pieces), "usage": pieces[-1].usage.total_tokens}


def structured() -> dict:
    answer = client.chat.completions.parse(model="small", messages=MESSAGES, response_format=Review)
    return json.loads(answer.choices[0].message.parsed.model_dump_json())


def structured_stream() -> dict:
    with client.chat.completions.stream(model="small", messages=MESSAGES, response_format=Review) as stream:
        deltas = sum(event.type == "content.delta" for event in stream)
        final = stream.get_final_completion()
    return {"deltas": deltas, "parsed": json.loads(final.choices[0].message.parsed.model_dump_json())}


def tools() -> dict:
    first = client.chat.completions.create(model="small", messages=MESSAGES, tools=[WEATHER])
    call = first.choices[0].message.tool_calls[0]
    told = {"role": "tool", "tool_call_id": call.id, "content": "rain"}
    then = client.chat.completions.create(model="small", messages=[*MESSAGES, first.choices[0].message, told], tools=[WEATHER])
    return {
        "city": json.loads(call.function.arguments)["city"],
        "finish": first.choices[0].finish_reason,
        "then": then.choices[0].message.content,
    }


def embeddings() -> dict:
    answer = client.embeddings.create(model="embed", input=["milk", "bread"])
    return {"count": len(answer.data), "dimensions": len(answer.data[0].embedding), "tokens": answer.usage.prompt_tokens}


def models() -> list[str]:
    return sorted(model.id for model in client.models.list())


def faults() -> dict:
    """Which exception each kind of fault becomes, and what it says."""
    seen = {}
    cases = {
        "unknown model": (client, {"model": "no-such-model"}),
        "wrong key": (openai.OpenAI(api_key="sw_nobody_nothing", max_retries=0), {"model": "small"}),
        "bad parameter": (client, {"model": "small", "temperature": 7}),
        "busy provider": (client, {"model": "busy"}),
        "broken provider": (client, {"model": "broken"}),
        "slow provider": (openai.OpenAI(timeout=0.4, max_retries=0), {"model": "slow"}),
    }
    for name, (which, more) in cases.items():
        try:
            which.chat.completions.create(messages=MESSAGES, **more)
            seen[name] = "answered"
        except openai.APIStatusError as error:
            seen[name] = [type(error).__name__, error.status_code, error.code, error.param, error.response.headers.get("retry-after")]
        except openai.APIError as error:
            seen[name] = [type(error).__name__]
    return seen


def retried() -> str:
    """The SDK's own retry: the provider fails once, and we are told not to try again ourselves."""
    return openai.OpenAI(max_retries=2).chat.completions.create(model="shaky", messages=MESSAGES).choices[0].message.content


def cut() -> str:
    """A stream that breaks is an exception, not a short answer."""
    try:
        for _ in client.chat.completions.create(model="cut", messages=MESSAGES, stream=True):
            pass
    except openai.APIError as error:
        return type(error).__name__
    return "ended as if whole"


async def concurrently() -> list[str]:
    async with openai.AsyncOpenAI(max_retries=0) as many:

        async def one(number: int) -> str:
            stream = await many.chat.completions.create(
                model="small", messages=[{"role": "user", "content": f"Wave {number}"}], stream=True
            )
            return "".join([piece.choices[0].delta.content or "" async for piece in stream if piece.choices])

        return await asyncio.gather(*(one(number) for number in range(8)))


if __name__ == "__main__":
    told = {name: globals()[name]() for name in sys.argv[1:] if name != "concurrently"}
    if "concurrently" in sys.argv:
        told["concurrently"] = asyncio.run(concurrently())
    print(json.dumps(told))
