// The published `openai` client for Node against the gateway whose URL is given. Prints what it saw as JSON.
import OpenAI from "openai";

const client = new OpenAI({ baseURL: process.argv[2], apiKey: "not-used", maxRetries: 0 });
const messages = [{ role: "user", content: "Hi" }];
const model = "tensorzero::function_name::hello";

const plain = await client.chat.completions.create({
  model,
  messages,
  "tensorzero::variant_name": "brief",
  "tensorzero::tags": { from: "node" },
});

const streamed = { id: "", pieces: [], usage: null };
const stream = await client.chat.completions.create({
  model,
  messages,
  stream: true,
  stream_options: { include_usage: true },
});
for await (const chunk of stream) {
  streamed.id = chunk.id;
  streamed.pieces.push(chunk.choices[0]?.delta?.content ?? "");
  streamed.usage = chunk.usage ?? streamed.usage;
}

const tools = await client.chat.completions.create({
  model: "tensorzero::function_name::weather",
  messages: [{ role: "user", content: "How warm is it?" }],
});

let refusal = null;
try {
  await client.chat.completions.create({ model: "tensorzero::function_name::nobody", messages });
} catch (error) {
  refusal = { name: error.constructor.name, status: error.status, message: error.message };
}

console.log(
  JSON.stringify({
    plain: { id: plain.id, episode: plain.episode_id, text: plain.choices[0].message.content },
    streamed,
    tools: { id: tools.id, calls: tools.choices[0].message.tool_calls, finish: tools.choices[0].finish_reason },
    refusal,
  }),
);
