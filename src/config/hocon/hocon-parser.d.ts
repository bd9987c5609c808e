declare module 'hocon-parser' {
  /** Not a HOCON parser to be trusted with a text of anybody: see nest.ts. */
  export default function parseHocon(text: string): unknown;
}
