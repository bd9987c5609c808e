/** The API's rules for names, label keys and label values. The functions return the error of an invalid text, or undefined. */

const LABEL = /^[a-z0-9]([-a-z0-9]*[a-z0-9])?$/;
const LABEL_1035 = /^[a-z]([-a-z0-9]*[a-z0-9])?$/;
const SUBDOMAIN = /^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$/;
const QUALIFIED = /^[A-Za-z0-9]([-A-Za-z0-9_.]*[A-Za-z0-9])?$/;

export function nameError(rule: 'subdomain' | 'label' | 'label1035', name: string): string | undefined {
  if (rule === 'subdomain') return subdomainError(name);
  if (name.length > 63) return 'must be no more than 63 characters';
  if (rule === 'label1035') {
    if (LABEL_1035.test(name)) return undefined;
    return "a DNS-1035 label must consist of lower case alphanumeric characters or '-', start with an alphabetic character, and end with an alphanumeric character";
  }
  if (LABEL.test(name)) return undefined;
  return "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end with an alphanumeric character";
}

export function subdomainError(name: string): string | undefined {
  if (name.length > 253) return 'must be no more than 253 characters';
  if (SUBDOMAIN.test(name)) return undefined;
  return "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and end with an alphanumeric character";
}

/** Checks `[prefix/]name`: a key of a label or an annotation, or the name of a finalizer. */
export function labelKeyError(key: string): string | undefined {
  const slash = key.indexOf('/');
  if (slash >= 0) {
    const why = subdomainError(key.slice(0, slash));
    if (why !== undefined) return `prefix part ${why}`;
  }
  const name = key.slice(slash + 1);
  if (name === '') return 'name part must be non-empty';
  if (name.length > 63) return 'name part must be no more than 63 characters';
  if (QUALIFIED.test(name)) return undefined;
  return "name part must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character";
}

export function labelValueError(value: string): string | undefined {
  if (value.length > 63) return 'must be no more than 63 characters';
  if (value === '' || QUALIFIED.test(value)) return undefined;
  return "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character";
}

const SUFFIX_ALPHABET = 'bcdfghjklmnpqrstvwxz2456789';

/**
 * Returns the name for a `metadata.generateName`: `base`, cut so that the name has at most 63 characters, and five random
 * characters. `random(n)` returns a whole number from 0 to n - 1.
 */
export function generatedName(base: string, random: (below: number) => number): string {
  let name = base.slice(0, 63 - 5);
  for (let count = 0; count < 5; count += 1) name += SUFFIX_ALPHABET[random(SUFFIX_ALPHABET.length)];
  return name;
}
