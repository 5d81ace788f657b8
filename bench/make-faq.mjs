// node bench/make-faq.mjs N [ALTERNATIVES]: a FAQ of N made-up entries as JSON, the same every time.
const [n = "10000", alternatives = "0"] = process.argv.slice(2);
const words = (
  "shipping order parcel refund invoice account password login mobile browser payment card bank transfer delivery " +
  "address warranty repair size colour discount coupon gift voucher store opening hours support contact phone email " +
  "subscription cancel renew upgrade plan tax receipt export import file format language timezone notification " +
  "privacy data delete security device printer scanner battery charger cable adapter screen keyboard mouse update " +
  "install licence trial team member role permission audit backup restore migrate key limit quota region server " +
  "latency uptime incident status report dashboard chart filter search sort tag label folder share link theme dark"
).split(" ");
const openings = ["How do I", "Can I", "Where is the", "What happens with the", "Why does the", "Is there a way for"];

let state = 1;
const below = (limit) => {
  state = (Math.imul(state, 1664525) + 1013904223) >>> 0; // Numerical Recipes' generator: fixed, portable
  return Math.floor((state / 2 ** 32) * limit);
};
const pick = (list) => list[below(list.length)];
const question = () => {
  const chosen = Array.from({ length: 3 + below(4) }, () => pick(words));
  return `${pick(openings)} ${chosen.join(" ")} ${1 + below(9999)}?`;
};
const entries = Array.from({ length: Number(n) }, () => ({
  question: question(),
  answer: `${Array.from({ length: 60 }, () => pick(words)).join(" ")}.`,
  alternatives: Array.from({ length: Number(alternatives) }, question),
}));
process.stdout.write(JSON.stringify(entries));
