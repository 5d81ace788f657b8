const entry = (question, answer, alternatives = [], tags = [], url = "") => ({
  question,
  answer,
  alternatives,
  tags,
  language: "en",
  url,
});

export const sampleEntries = [
  entry(
    "How long does delivery take?",
    "Most parcels arrive within **2–4 working days**.\n\n| Country | Standard | Express |\n| --- | --- | --- |\n| Germany | 2 days | next day |\n| France | 3 days | 2 days |\n| Norway | 5 days | 3 days |\n\nYou get a tracking link by e-mail as soon as the parcel leaves us.",
    ["When will my order arrive?", "How many days until I get my parcel?", "delivery time"],
    ["delivery"],
    "https://northwind.example/help/delivery",
  ),
  entry(
    "How can I return an item?",
    "You can return anything within **30 days**:\n\n1. Open *Account → Orders* and choose **Return**.\n2. Print the label, or show its code at the counter.\n3. We refund you within 5 days after the parcel reaches us.\n\nShoes must be unworn.",
    ["I want to send something back", "What is your return policy?"],
    ["returns"],
  ),
  entry(
    "How do I reset my password?",
    "Choose **Forgot password** on the sign-in page. The link in the e-mail works for one hour.",
    ["I forgot my password", "I can't sign in any more"],
    ["account"],
  ),
  entry(
    "Which payment methods do you accept?",
    "Card, PayPal, bank transfer and invoice. Fees: $0 for cards, $2 for invoices.",
    ["Can I pay by card?", "Do you take PayPal?"],
    ["payment"],
  ),
  entry(
    "How is the volume discount calculated?",
    "The discount grows with the number of items $n$, up to 30 %:\n\n$$d(n) = \\min\\left(0.3,\\ \\frac{n}{200}\\right)$$\n\nso an order of $n = 20$ items gets 10 % off.",
    ["What is the volume discount formula?"],
    ["payment"],
  ),
  entry(
    "How do I call the order API?",
    'Send your key as a header:\n\n```sh\ncurl https://api.northwind.example/v1/orders \\\n  -H "Authorization: Bearer $KEY"\n```\n\nThe answer is a list of orders, newest first.',
    ["Is there an API for orders?"],
    ["developers"],
  ),
  entry(
    "Can I change my order after placing it?",
    "Yes, until it is packed, which is usually two hours later. Open the order and choose **Change**.",
    ["I ordered the wrong size"],
    ["orders"],
  ),
  entry(
    "How do I cancel an order?",
    "Open *Account → Orders* and choose **Cancel**. The money is back in 1–3 days.",
    ["Cancel my order"],
    ["orders"],
  ),
  entry(
    "Do you have a shop in town?",
    "We have shops in Hamburg, Lyon and Bergen, open Monday to Saturday, 10–19 h.",
    ["Where are your stores?"],
    ["shops"],
  ),
  entry(
    "How do I close my account?",
    "Write to privacy@northwind.example from your address. We delete everything within 30 days.",
    ["Delete my account"],
    ["account", "privacy"],
  ),
  entry(
    "What data do you store about me?",
    "Your name, addresses and orders. Nothing is sold or shared for advertising.",
    [],
    ["privacy"],
  ),
  entry(
    "Can I get a gift card?",
    "Gift cards come in any amount from $10 to $500 and never expire.",
    ["Do you sell vouchers?"],
    ["payment"],
  ),
  ...Array.from({ length: 140 }, (_, i) =>
    entry(
      `What is the size of the article no. ${1000 + i}?`,
      `Article ${1000 + i} measures ${20 + (i % 30)} cm.`,
      [],
      ["sizes"],
    ),
  ),
];
