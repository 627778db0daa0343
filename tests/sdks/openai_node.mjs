// What people do with OpenAI's JavaScript SDK, run against the address and key in the environment; JSON on standard output.
import OpenAI from "openai";

const client = new OpenAI({ maxRetries: 0 });
const messages = [{ role: "user", content: "What does the tide do?" }];
const schema = {
  type: "object",
  properties: { stars: { type: "integer" }, mood: { enum: ["good", "bad"] } },
  required: ["stars", "mood"],
  additionalProperties: false,
};
const told = {};

const stream = await client.chat.completions.create({ model: "small", messages, temperature: 0, stream: true });
told.streamed = { pieces: 0, text: "" };
for await (const piece of stream) {
  told.streamed.pieces += 1;
  told.streamed.text += piece.choices[0]?.delta?.content ?? "";
}

const plain = await client.chat.completions.create({ model: "small", messages, temperature: 0 });
told.plain = plain.choices[0].message.content;

const response_format = { type: "json_schema", json_schema: { name: "review", strict: true, schema } };
told.structured = JSON.parse((await client.chat.completions.create({ model: "small", messages, response_format })).choices[0].message.content);

const tool = { type: "function", function: { name: "weather", parameters: { type: "object", properties: { city: { type: "string" } } } } };
const runner = client.chat.completions.runTools({
  model: "small",
  messages,
  tools: [{ ...tool, function: { ...tool.function, parse: JSON.parse, function: () => "rain" } }],
});
told.tools = await runner.finalContent();

told.embeddings = (await client.embeddings.create({ model: "embed", input: ["milk", "bread"] })).data.map((one) => one.embedding.length);
told.models = (await client.models.list()).data.map((one) => one.id).sort();

const failing = async (model, options) => {
  try {
    await client.chat.completions.create({ model, messages }, options);
    return "answered";
  } catch (error) {
    return [error.constructor.name, error.status ?? null, error.code ?? null];
  }
};
told.faults = { unknown: await failing("no-such-model"), busy: await failing("busy"), slow: await failing("slow", { timeout: 400 }) };
told.retried = (await client.chat.completions.create({ model: "shaky-too", messages }, { maxRetries: 2 })).choices[0].message.content;

const aborted = await client.chat.completions.create({ model: "slow-tokens", messages, stream: true });
for await (const piece of aborted) {
  if (piece.choices[0]?.delta?.content) aborted.controller.abort();
}
told.aborted = true;
console.log(JSON.stringify(told));
