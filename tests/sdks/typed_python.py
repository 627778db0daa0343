"""Typed answers through instructor and pydantic-ai, run against the address and key in the environment; JSON on standard output."""

import asyncio
import json
import sys

import instructor
import openai
from pydantic import BaseModel
from pydantic_ai import Agent
from pydantic_ai.models.openai import OpenAIChatModel


class Review(BaseModel):
    stars: int
    words: list[str]


def by_instructor() -> dict:
    """Its three ways to ask for a type: tools, JSON Schema, and a stream of partial objects."""
    question = {"model": "small", "messages": [{"role": "user", "content": "Review the milk."}], "response_model": Review}
    tools = instructor.from_openai(openai.OpenAI()).chat.completions.create(**question)
    schema = instructor.from_openai(openai.OpenAI(), mode=instructor.Mode.JSON_SCHEMA).chat.completions.create(**question)
    partial = list(instructor.from_openai(openai.OpenAI()).chat.completions.create_partial(**question))
    return {"tools": tools.model_dump(), "schema": schema.model_dump(), "partial": [len(partial), partial[-1].model_dump()]}


async def by_pydantic_ai() -> dict:
    """An agent with a typed result and a tool, and one whose text is streamed."""
    model = OpenAIChatModel("small")
    typed = await Agent(model, output_type=Review).run("Review the milk.")
    async with Agent(model).run_stream("What does the tide do?") as stream:
        text = [piece async for piece in stream.stream_text(delta=True, debounce_by=None)]
    return {"typed": typed.output.model_dump(), "pieces": len(text), "text": "".join(text)}


if __name__ == "__main__":
    wanted = {"instructor": by_instructor, "pydantic-ai": lambda: asyncio.run(by_pydantic_ai())}
    print(json.dumps({name: wanted[name]() for name in sys.argv[1:]}))
