declare module 'hocon-parser' {
  /** Not safe for text of a file; see nest.ts. */
  export default function parseHocon(text: string): unknown;
}
