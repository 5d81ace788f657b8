// Conversations that every template is rendered with: name -> variables.
const weather = {
  type: "function",
  function: {
    name: "get_weather",
    description: "The weather at a place.",
    parameters: {
      type: "object",
      properties: {
        place: { type: "string", description: 'City & country, such as "Köln"' },
        unit: { type: "string", enum: ["celsius", "fahrenheit"], description: "the unit" },
        days: { type: "integer", description: "how far\nahead" },
        opts: { type: "object", properties: { tags: { type: "array", items: { type: "string" } } } },
      },
      required: ["place"],
    },
  },
};
const add = {
  type: "function",
  function: {
    name: "add",
    description: "Adds 'two' numbers",
    parameters: {
      type: "object",
      properties: {
        a: { type: "number", description: "first" },
        b: { type: ["number", "string"], description: "second" },
        l: { type: "array", items: { type: "boolean" }, description: "list" },
      },
      required: ["a", "b"],
    },
    return: { type: "number", description: "the sum" },
  },
};
const tools = [weather, add];
const system = (content) => ({ role: "system", content });
const user = (content) => ({ role: "user", content });
const assistant = (content, more = {}) => ({ role: "assistant", content, ...more });
const result = (content, more = {}) => ({ role: "tool", name: "get_weather", tool_call_id: "abcdef123", content, ...more });
const call = (name, args, id = "abcdef123") => ({ id, type: "function", function: { name, arguments: args } });

const conversations = {
  user: { messages: [user("Hello, how are you?")] },
  system: { messages: [system("You are a pirate.  "), user(" Hi <there> & 'you' \"all\" 你好 👋\n")] },
  turns: { messages: [system("Be brief."), user("Hi"), assistant(" Hello! "), user("Bye\n\nnow"), assistant("Bye.")] },
  thinking: { messages: [user("1+1?"), assistant("<think>\nhm\n</think>\n\n2"), user("2+2?"), assistant("<think>\nagain\n</think>\n\n4")] },
  reasoning: { messages: [user("1+1?"), assistant("2", { reasoning_content: "hm" }), user("2+2?"), assistant("4", { reasoning_content: "\nso\n" })] },
  tools: { messages: [system("Use tools."), user("Weather?")], tools },
  call: {
    messages: [
      system("Use tools."),
      user("Weather in Köln?"),
      assistant("", { tool_calls: [call("get_weather", { place: "Köln", days: 2, opts: { tags: ["a", "b"] } })] }),
      result('{"temperature": 22.5}'),
      assistant("It is 22.5."),
      user("Thanks"),
    ],
    tools,
  },
  calls: {
    messages: [
      user("Sum and weather"),
      assistant("Both.", { tool_calls: [call("add", { a: 1.5, b: -2 }), call("get_weather", { place: "Rome" }, "bcdefg234")] }),
      result("-0.5", { name: "add" }),
      result("sunny", { tool_call_id: "bcdefg234" }),
    ],
    tools,
  },
  parts: { messages: [system("Look."), { role: "user", content: [{ type: "image" }, { type: "text", text: "What is this?" }] }, assistant("A cat.")] },
  order: { messages: [user("a"), user("b"), assistant("c"), assistant("d")] },
  empty: { messages: [] },
};

const variants = {
  "": { add_generation_prompt: true },
  "+closed": { add_generation_prompt: false },
  "+nothink": { add_generation_prompt: true, enable_thinking: false, tools_in_user_message: false },
};

export function* allConversations() {
  for (const [name, conversation] of Object.entries(conversations))
    for (const [suffix, variant] of Object.entries(variants))
      yield [name + suffix, { bos_token: "<s>", eos_token: "</s>", tools: null, documents: null, ...conversation, ...variant }];
}
