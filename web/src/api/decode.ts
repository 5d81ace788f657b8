// Checks what arrives from the server once, at the edge; everything behind it trusts the types.

export type Decoder<T> = (value: unknown, path: string) => T;
export type Decoded<D> = D extends Decoder<infer T> ? T : never;

export class DecodeError extends Error {
  constructor(path: string, expected: string, value: unknown) {
    super(
      `The server's answer is not what this page expects: ${path} should be ${expected}, got ${typeof value}.`,
    );
    this.name = "DecodeError";
  }
}

export const str: Decoder<string> = (value, path) => {
  if (typeof value !== "string") throw new DecodeError(path, "a string", value);
  return value;
};

export const num: Decoder<number> = (value, path) => {
  if (typeof value !== "number") throw new DecodeError(path, "a number", value);
  return value;
};

export const bool: Decoder<boolean> = (value, path) => {
  if (typeof value !== "boolean") throw new DecodeError(path, "true or false", value);
  return value;
};

export function list<T>(item: Decoder<T>): Decoder<T[]> {
  return (value, path) => {
    if (!Array.isArray(value)) throw new DecodeError(path, "a list", value);
    return value.map((element, i) => item(element, `${path}[${i}]`));
  };
}

/** null and absent both mean absent. */
export function nullable<T>(inner: Decoder<T>): Decoder<T | null> {
  return (value, path) => (value === null || value === undefined ? null : inner(value, path));
}

export function fallback<T>(inner: Decoder<T>, otherwise: T): Decoder<T> {
  return (value, path) => (value === null || value === undefined ? otherwise : inner(value, path));
}

export function oneOf<const T extends string>(...names: readonly T[]): Decoder<T> {
  return (value, path) => {
    const found = names.find((name) => name === value);
    if (found === undefined) throw new DecodeError(path, names.join(" or "), value);
    return found;
  };
}

type Shape = Record<string, Decoder<unknown>>;
type FromShape<S extends Shape> = { [K in keyof S]: Decoded<S[K]> };

export function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

export function object<S extends Shape>(shape: S): Decoder<FromShape<S>> {
  const fields = Object.entries(shape);
  return (value, path) => {
    if (!isRecord(value)) throw new DecodeError(path, "an object", value);
    // The loop fills exactly the keys of the shape, which the type system cannot follow.
    return Object.fromEntries(
      fields.map(([name, decode]) => [name, decode(value[name], path === "" ? name : `${path}.${name}`)]),
    ) as FromShape<S>;
  };
}

export const record: Decoder<Record<string, unknown>> = (value, path) => {
  if (!isRecord(value)) throw new DecodeError(path, "an object", value);
  return value;
};
